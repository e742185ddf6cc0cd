// From the Gemini Batch API documentation, "Deleting a batch job". Start it with the job's name.
// Unchanged: GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY in the environment say where to.

// --- what the sample takes as given ----------------------------------------------------------------------
import {GoogleGenAI} from '@google/genai';

const ai = new GoogleGenAI({apiKey: process.env.GEMINI_API_KEY});
const batchJobToDelete = {name: process.argv[2]};
// --- the sample ------------------------------------------------------------------------------------------

await ai.batches.delete({name: batchJobToDelete.name});
