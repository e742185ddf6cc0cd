# From the Gemini Batch API documentation, "Request configuration": a system instruction in one request.
# Unchanged: GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY in the environment say where to.

inline_requests_list = [
    {'contents': [{'parts': [{'text': 'Write a short poem about a cloud.'}]}]},
    {'contents': [{
        'parts': [{
            'text': 'Write a short poem about a cat.'
            }]
        }],
        'config': {
            'system_instruction': {'parts': [{'text': 'You are a cat. Your name is Neko.'}]}}
    }
]

# --- the sample ends here; this submits its list -----------------------------------------------------------
from google import genai

client = genai.Client()
job = client.batches.create(model="gemini-2.5-flash", src=inline_requests_list)
print(f"Created batch job: {job.name}")
