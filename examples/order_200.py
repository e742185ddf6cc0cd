"""
Minimal reproduction script for Gemini Batch API response ordering bug.
This script sends batch requests with predictable expected responses
and checks if they come back in the correct order.
Expected behavior: Response at index i should match request at index i
Actual behavior: Responses may be shuffled/out of order
"""
import time
from google import genai
# Configuration
MODEL = "gemini-3-flash-preview"
NUM_REQUESTS = 200 # Number of requests to test ordering
SEED = 0 # Fixed RNG seed for reproducibility
client = genai.Client() # Uses GOOGLE_API_KEY env var
import random
# Fixed RNG for reproducible runs
random.seed(SEED)
print(f"Using random seed: {SEED}")
# Create random pattern of YES/NO
inline_requests = []
random_pattern = []
for i in range(NUM_REQUESTS):
    expected = random.choice(["YES", "NO"])
    random_pattern.append(expected)
    prompt = f"Request #{i}: Respond with exactly one word: {expected}"
    inline_requests.append({
        'contents': [{
            'parts': [{'text': prompt}],
            'role': 'user'
        }],
        'config': {
            'temperature': 0,
            'max_output_tokens': 5,
            'thinking_config': {'thinking_level': 'minimal'}
        }
    })
batch_job = client.batches.create(
    model=MODEL,
    src=inline_requests,
    config={'display_name': 'order-bug-reproduction'}
)
print(f"Batch of {NUM_REQUESTS} requests created: {batch_job.name}")
# Poll for completion
completed_states = {'JOB_STATE_SUCCEEDED', 'JOB_STATE_FAILED', 'JOB_STATE_CANCELLED', 'JOB_STATE_EXPIRED'}
while True:
    batch_job = client.batches.get(name=batch_job.name)
    state = batch_job.state.name
    print(f"Status: {state}")
    if state in completed_states:
        break
    time.sleep(3)
if batch_job.state.name != 'JOB_STATE_SUCCEEDED':
    print(f"Batch failed with state: {batch_job.state.name}")
else:
    num_mismatches = 0
    responses = batch_job.dest.inlined_responses
    for i, resp in enumerate(responses):
        expected = random_pattern[i]
        if resp.response:
            actual = resp.response.text.strip().upper()
            match = "YES" in actual if expected == "YES" else "NO" in actual
            if not match:
                num_mismatches += 1
    print(f"\nTotal mismatches: {num_mismatches} out of {NUM_REQUESTS} requests")
    if num_mismatches:
        print("\nBUG CONFIRMED: Responses are NOT in the same order as requests!")
    else:
        print("\n✓ All responses matched expected order (bug not reproduced in this run)")
