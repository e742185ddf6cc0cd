from backburner.policy import eta_rate
from backburner.policy.eta_rate import Sample
from backburner.service.pulse import WHOLE_SAMPLES, Pulse


def test_the_rate_is_that_of_the_last_minute() -> None:
    pulse = Pulse(Sample(0.0, 0))
    assert pulse.per_s == 0
    for second in range(1, 121):
        pulse.note(float(second), 10 * second if second <= 60 else 600 + 2 * (second - 60))
    assert pulse.per_s == 2


def test_a_young_job_has_the_rate_since_it_began() -> None:
    pulse = Pulse(Sample(0.0, 0))
    pulse.note(0.5, 20)
    assert pulse.per_s == 40
    assert pulse.samples[-1] == Sample(0.5, 20), "what is known now is among the samples"


def test_a_long_job_needs_no_more_memory_and_its_history_still_reaches_back() -> None:
    pulse = Pulse(Sample(0.0, 0))
    for second in range(1, 20_001):
        pulse.note(float(second), 3 * second)
    assert len(pulse.samples) <= WHOLE_SAMPLES + 1
    assert pulse.samples[0] == Sample(0.0, 0)
    assert [sample.at for sample in pulse.samples] == sorted({sample.at for sample in pulse.samples})
    assert round(eta_rate.rate(pulse.samples).per_s, 6) == 3
    assert any(10_000 < sample.at < 15_000 for sample in pulse.samples), "the last third can be measured"


def test_a_pause_is_one_stretch_and_says_since_when() -> None:
    pulse = Pulse(Sample(0.0, 0))
    for second in range(1, 11):
        pulse.note(float(second), second)
    for second in range(11, 5_000):
        pulse.note(float(second), 10)
    assert pulse.moved_at == 10
    assert pulse.per_s == 0
    assert len(pulse.samples) < 15
    assert pulse.samples[-1] == Sample(4_999.0, 10)


def test_looking_often_changes_nothing() -> None:
    seldom, often = Pulse(Sample(0.0, 0)), Pulse(Sample(0.0, 0))
    for tenth in range(1, 3_001):
        often.note(tenth / 10, tenth)
        if tenth % 10 == 0:
            seldom.note(tenth / 10, tenth)
    assert round(often.per_s, 6) == round(seldom.per_s, 6) == 10
    assert len(often.samples) <= len(seldom.samples) + 1
