# From the Gemini Batch API documentation, "Cancelling a batch job". Start it with the job's name.
# Unchanged: GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY in the environment say where to.

# --- what the sample takes as given -----------------------------------------------------------------------
import sys

from google import genai

client = genai.Client()
batch_job_to_cancel = client.batches.get(name=sys.argv[1])
# --- the sample -------------------------------------------------------------------------------------------

from google import genai

client = genai.Client()

# Cancel a batch job
client.batches.cancel(name=batch_job_to_cancel.name)
