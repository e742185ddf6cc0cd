# From the Gemini Batch API documentation, "Batch embedding support".
# Unchanged: GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY in the environment say where to.

# --- what the sample takes as given -----------------------------------------------------------------------
import json

from google import genai

client = genai.Client()
with open("my-embedding-requests.jsonl", "w") as f:
    for number, text in enumerate(["Why is the sky blue?", "What is a rainbow?"], 1):
        request = {"content": {"parts": [{"text": text}]}, "output_dimensionality": 128}
        f.write(json.dumps({"key": f"request-{number}", "request": request}) + "\n")
uploaded_batch_requests = client.files.upload(
    file="my-embedding-requests.jsonl", config={"mime_type": "jsonl"}
)
inlined_requests = {"contents": ["Why is the sky blue?", "What is a rainbow?"]}
# --- the sample -------------------------------------------------------------------------------------------

from google import genai

client = genai.Client()

# Creating an embeddings batch job with an input file request:
file_job = client.batches.create_embeddings(
    model="gemini-embedding-001",
    src={'file_name': uploaded_batch_requests.name},
    config={'display_name': "Input embeddings batch"},
)

# Creating an embeddings batch job with an inline request:
batch_job = client.batches.create_embeddings(
    model="gemini-embedding-001",
    # For a predefined list of requests `inlined_requests`
    src={'inlined_requests': inlined_requests},
    config={'display_name': "Inlined embeddings batch"},
)

# --- so that the next samples can be pointed at them ------------------------------------------------------
print(f"Created batch job: {file_job.name}")
print(f"Created batch job: {batch_job.name}")
