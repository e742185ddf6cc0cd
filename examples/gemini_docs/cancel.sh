#!/usr/bin/env bash
# From the Gemini Batch API documentation, "Cancelling a batch job". Start it with the job's name.
# Changed: the host, which is $BASE_URL, and "batches/123456", which is the first argument.

BATCH_NAME="$1" # Your batch job name

# Cancel the batch
curl $BASE_URL/v1beta/$BATCH_NAME:cancel \
-H "x-goog-api-key: $GEMINI_API_KEY" \

# Confirm that the status of the batch after cancellation is JOB_STATE_CANCELLED
curl $BASE_URL/v1beta/$BATCH_NAME \
-H "x-goog-api-key: $GEMINI_API_KEY" \
-H "Content-Type:application/json" 2> /dev/null | jq -r '.metadata.state'
