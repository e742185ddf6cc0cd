# From the Gemini Batch API documentation, "Request configuration": a tool in one request.
# Unchanged: GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY in the environment say where to.
#
# The embedded model cannot search the web: the second request comes back with an error that says so, the
# first with an answer.

inlined_requests = [
    {'contents': [{'parts': [{'text': 'Who won the euro 1998?'}]}]},
    {'contents': [{'parts': [{'text': 'Who won the euro 2025?'}]}],
     'config':{'tools': [{'google_search': {}}]}}]

# --- the sample ends here; this submits its list -----------------------------------------------------------
from google import genai

client = genai.Client()
job = client.batches.create(model="gemini-2.5-flash", src=inlined_requests)
print(f"Created batch job: {job.name}")
