#!/usr/bin/env bash
# From the Gemini Batch API documentation, "Deleting a batch job". Start it with the job's name.
# Changed: the host, which is $BASE_URL, and "batches/123456", which is the first argument.

BATCH_NAME="$1" # Your batch job name

# Delete the batch job
curl $BASE_URL/v1beta/$BATCH_NAME:delete \
-H "x-goog-api-key: $GEMINI_API_KEY"
