"""A program that was written for OpenAI's API and batches by Doubleword's autobatcher: only the import is other.

Prints the answers in order, and the events of the batch that the library saw.
"""

import asyncio
import json
import os

from autobatcher import BatchOpenAI

COUNT = int(os.environ["COUNT"])


async def main() -> None:
    events: list[dict[str, object]] = []
    answered_at: list[int] = []  # for each answer, the events seen before it
    client = BatchOpenAI(
        base_url=os.environ["BASE_URL"],
        api_key="any",
        batch_size=COUNT,
        batch_window_seconds=5,
        poll_interval_seconds=0.2,
        completion_window="24h",
        batch_event_handler=events.append,
    )

    async def ask(number: int) -> str | None:
        found = await client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": f"say {number}"}]
        )
        answered_at.append(len(events))
        return found.choices[0].message.content

    answers = await asyncio.gather(*(ask(number) for number in range(COUNT)))
    embedding = await client.embeddings.create(
        model="text-embedding-3-small", input="x", encoding_format="float"
    )
    await client.close()
    kinds = [event["event"] for event in events]
    ended = kinds.index("batch_completed")
    early = sum(seen <= ended for seen in answered_at)
    print(
        json.dumps(
            {"answers": answers, "events": kinds, "early": early, "vector": len(embedding.data[0].embedding)}
        )
    )


asyncio.run(main())
