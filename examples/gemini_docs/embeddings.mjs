// From the Gemini Batch API documentation, "Batch embedding support".
// Unchanged: GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY in the environment say where to.

// --- what the sample takes as given ----------------------------------------------------------------------
import { writeFileSync } from 'fs';
import {GoogleGenAI} from '@google/genai';

const client = new GoogleGenAI({apiKey: process.env.GEMINI_API_KEY});
const texts = ['Why is the sky blue?', 'What is a rainbow?'];
writeFileSync('my-embedding-requests.jsonl', texts.map((text, place) => JSON.stringify({
    key: `request-${place + 1}`, request: {content: {parts: [{text}]}, output_dimensionality: 128},
}) + '\n').join(''));
const uploadedBatchRequests = await client.files.upload({
    file: 'my-embedding-requests.jsonl', config: {mimeType: 'jsonl'},
});
const inlinedRequests = {contents: texts};
// --- the sample ------------------------------------------------------------------------------------------

// Creating an embeddings batch job with an input file request:
let fileJob;
fileJob = await client.batches.createEmbeddings({
    model: 'gemini-embedding-001',
    src: {fileName: uploadedBatchRequests.name},
    config: {displayName: 'Input embeddings batch'},
});
console.log(`Created batch job: ${fileJob.name}`);

// Creating an embeddings batch job with an inline request:
let batchJob;
batchJob = await client.batches.createEmbeddings({
    model: 'gemini-embedding-001',
    // For a predefined a list of requests `inlinedRequests`
    src: {inlinedRequests: inlinedRequests},
    config: {displayName: 'Inlined embeddings batch'},
});
console.log(`Created batch job: ${batchJob.name}`);
