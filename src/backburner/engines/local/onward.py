"""What becomes of a sequence under a constraint when its leg in the pipeline has ended. Pure.

It is whole; or it goes on to be closed, because only the reserve is left; or it goes on as plain text; or
it is made again under the strict form, because it broke a bound that the loose form left out.
"""

import msgspec

from backburner.engines.local.constraint import Constraint, Verdict


class Onward(msgspec.Struct, frozen=True):
    """Another leg for the sequence: `tokens` more under `form` (None: any text), from scratch if `again`."""

    form: str | None
    tokens: int
    again: bool = False


BROKEN = "broken"  # the runtime did not keep to the grammar: never passed off as an answer


def onward(
    constraint: Constraint, text: str, finish: str, *, used: int, room: int, strict: bool
) -> Onward | str:
    """The next leg, or the word for how the sequence ended. `used` of `room` tokens are spent."""
    verdict = constraint.verdict(text)
    if verdict is Verdict.WRONG:
        if constraint.checked and not strict:
            return Onward(constraint.strict_form(), constraint.first_tokens(room), again=True)
        return BROKEN
    if finish == "stop":
        return finish
    if verdict is Verdict.WHOLE and not constraint.free:
        return "stop"
    left = room - used
    if left <= 0:
        return finish
    if verdict is Verdict.WHOLE:
        return Onward(None, left)
    return Onward(constraint.closing_form(text, left), left)
