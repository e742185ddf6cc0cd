# The cookbook notebook "Batch Jobs with Gemini", its cells from top to bottom.
# Changed: the installing cell is a comment (it is a notebook command, not Python).
# GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY in the environment say where to.

# %%
# %uv pip install google-genai --upgrade

# %%
import google.genai as genai
from google.genai import types

client = genai.Client()

# %%
# A list of dictionaries, where each is a GenerateContentRequest
inline_requests = [
    {
        'contents': [{
            'parts': [{'text': 'Tell me a one-sentence joke.'}],
            'role': 'user'
        }]
    },
    {
        'contents': [{
            'parts': [{'text': 'Why is the sky blue?'}],
            'role': 'user'
        }]
    }
]

# Create the batch job
inline_batch_job = client.batches.create(
    model="gemini-2.5-flash", # Or another supported model
    src=inline_requests,
    config={
        'display_name': "inlined-requests-job-1",
    },
)

print(f"Created batch job: {inline_batch_job.name}")

# %%
import time
import json
import google.genai as genai

# Assume 'client' is an initialized genai.Client() instance
# client = genai.Client()

def monitor_and_get_batch_results(job_name: str, client: genai.client.Client,max_retries: int = 10):
    completed_states = {
        'JOB_STATE_SUCCEEDED',
        'JOB_STATE_FAILED',
        'JOB_STATE_CANCELLED',
    }

    print(f"Polling status for job: {job_name}")
    batch_job = client.batches.get(name=job_name)
    retry_count = 0
    while batch_job.state.name not in completed_states and retry_count < max_retries:
        print(f"Current state: {batch_job.state.name}")
        time.sleep(10)  # Wait for 10 seconds before polling again
        batch_job = client.batches.get(name=job_name)
        retry_count += 1
    if retry_count == max_retries:
        print("No results found after max retries. Try again later.")
        return None
        
    print(f"Job finished with state: {batch_job.state.name}")

    # Handle failed or cancelled jobs
    if batch_job.state.name in ('JOB_STATE_FAILED', 'JOB_STATE_CANCELLED'):
        if batch_job.error:
            print(f"Error: {batch_job.error}")
        else:
            print(f"Job was {batch_job.state.name.lower().split('_')[-1]}.")
        return None

    # Retrieve and return results for succeeded jobs
    if batch_job.state.name == 'JOB_STATE_SUCCEEDED':
        # Case 1: Results are returned inline
        if batch_job.dest and batch_job.dest.inlined_responses:
            results = []
            for inline_response in batch_job.dest.inlined_responses:
                if inline_response.response:
                    try:
                        results.append(inline_response.model_dump())
                    except AttributeError:
                        results.append(inline_response.model_dump())
                elif inline_response.error:
                    results.append(inline_response.model_dump())
            return results

        # Case 2: Results are in a file
        elif batch_job.dest and batch_job.dest.file_name:
            result_file_name = batch_job.dest.file_name
            print(f"Results are in file: {result_file_name}. Downloading...")            
            file_content_bytes = client.files.download(file=result_file_name)            
            # Parse the JSONL string into a list of dictionaries
            parsed_responses = [
                json.loads(line) for line in file_content_bytes.decode('utf-8').strip().split('\n')
            ]
            return parsed_responses
    
    # Return None if no results are found
    print("No results found (neither file nor inline).")
    return None


# Assuming you have a job name from a previously created job
inline_job_name = inline_batch_job.name # ,e.g. "batches/xg0jgclsevahb3nb79ne9wt3xsldeqmjk63q" # or "batches/xg0jgclsevahb3nb79ne9wt3xsldeqmjk63q"

# Call the function to get the results
inline_results = monitor_and_get_batch_results(inline_job_name, client)

for result in inline_results:
    print("-" * 20)
    parts = result['response']['candidates'][0]['content']['parts']
    for part in parts:
        print(part['text'])

# %%
# Create a sample JSONL file
with open("my-batch-requests.jsonl", "w") as f:
    requests = [
        {"key": "request-1", "request": {"contents": [{"parts": [{"text": "Describe the process of photosynthesis."}]}], "generation_config": {"temperature": 0.7}}},
        {"key": "request-2", "request": {"contents": [{"parts": [{"text": "What are the main ingredients in a Margherita pizza?"}]}]}}
    ]
    for req in requests:
        f.write(json.dumps(req) + "\n")

# Upload the file to the File API
uploaded_file = client.files.upload(
    file='my-batch-requests.jsonl',
    config=types.UploadFileConfig(display_name='my-batch-requests', mime_type='application/jsonl')
)

print(f"Uploaded file: {uploaded_file.name}")

# %%
# Create the batch job using the uploaded file
file_batch_job = client.batches.create(
    model="gemini-2.5-flash",
    src=uploaded_file.name,
)

print(f"Created batch job from file: {file_batch_job.name}")

# %%
# Assuming you have a job name from a previously created job
inline_job_name = file_batch_job.name # ,e.g. "batches/juxtg5cd5ow3xnkc2kck3wotk718t60itzph" # or "batches/xg0jgclsevahb3nb79ne9wt3xsldeqmjk63q"

# Call the function to get the results
file_results = monitor_and_get_batch_results(inline_job_name, client)

for result in file_results:
    print(result)
    print("-" * 20)
    parts = result['response']['candidates'][0]['content']['parts']
    for part in parts:
        print(part['text'])
