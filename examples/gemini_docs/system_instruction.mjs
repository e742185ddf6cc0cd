// From the Gemini Batch API documentation, "Request configuration": a system instruction in one request.
// Unchanged: GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY in the environment say where to.

let inlineRequestsList; // the sample does not declare it, which a module must
// --- the sample ------------------------------------------------------------------------------------------

inlineRequestsList = [
    {contents: [{parts: [{text: 'Write a short poem about a cloud.'}]}]},
    {contents: [{parts: [{text: 'Write a short poem about a cat.'}]}],
     config: {systemInstruction: {parts: [{text: 'You are a cat. Your name is Neko.'}]}}}
]

// --- the sample ends here; this submits its list ----------------------------------------------------------
import {GoogleGenAI} from '@google/genai';

const ai = new GoogleGenAI({apiKey: process.env.GEMINI_API_KEY});
const job = await ai.batches.create({model: 'gemini-2.5-flash', src: inlineRequestsList});
console.log(`Created batch job: ${job.name}`);
