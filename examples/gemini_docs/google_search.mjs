// From the Gemini Batch API documentation, "Request configuration": a tool in one request.
// Unchanged: GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY in the environment say where to.
//
// The embedded model cannot search the web: the second request comes back with an error that says so, the
// first with an answer.

let inlineRequestsList; // the sample does not declare it, which a module must
// --- the sample ------------------------------------------------------------------------------------------

inlineRequestsList = [
    {contents: [{parts: [{text: 'Who won the euro 1998?'}]}]},
    {contents: [{parts: [{text: 'Who won the euro 2025?'}]}],
     config: {tools: [{googleSearch: {}}]}}
]

// --- the sample ends here; this submits its list ----------------------------------------------------------
import {GoogleGenAI} from '@google/genai';

const ai = new GoogleGenAI({apiKey: process.env.GEMINI_API_KEY});
const job = await ai.batches.create({model: 'gemini-2.5-flash', src: inlineRequestsList});
console.log(`Created batch job: ${job.name}`);
