"""Every bound in one table, with its reason. Sizes in bytes, times in seconds."""

MIB = 1024 * 1024
GIB = 1024 * MIB

INLINE_BODY_BYTES = 20 * MIB  # create with inline requests (contract 1.10)
JSON_BODY_BYTES = (
    24 * MIB
)  # any other JSON body; a little over the above so that the create says its own limit
MESSAGE_BODY_BYTES = 32 * MIB  # one call of Anthropic's Messages API
MESSAGE_BATCH_BYTES = 256 * MIB  # creation of a message batch (contract 6.1); configurable
MESSAGE_BATCH_REQUESTS = 100_000  # of one message batch (contract 6.1); configurable
FILE_BYTES = 2 * GIB  # one file (contract 1.10); configurable
DRAIN_BYTES = 256 * MIB  # of a refused body, read so that the client gets to see the refusal
LINE_BYTES = 32 * MIB  # one input line; an inline image of 20 MB in base64 fits
MEDIA_BYTES = 64 * MIB  # files that one request names, together: they are in memory while it is sent
UPLOAD_CHUNK_BYTES = 8 * MIB  # what both SDKs send, announced as the granularity (contract 2.2)
STREAM_BYTES = 1 * MIB  # unit of copying to and from disk

FILE_RETENTION_S = 48 * 3600.0  # contract 2.3
RESULT_RETENTION_S = 30 * 24 * 3600.0  # results outlive inputs: they are what was paid for
JOB_RETENTION_S = 90 * 24 * 3600.0  # jobs outlive their results: what was done stays known for a quarter
UPLOAD_RETENTION_S = 24 * 3600.0  # an upload that nobody finishes
CACHE_TTL_S = 3600.0  # default time to live of cached content (contract 4)
IDEMPOTENCY_S = 48 * 3600.0  # how long a repeated Idempotency-Key finds its job

JOB_WINDOW_S = 24 * 3600.0  # the promised turnaround
JOB_EXPIRY_S = 48 * 3600.0  # PENDING or RUNNING longer than max(window, this) is EXPIRED (contract 1.8)

CREATE_CHECK_S = 2.0  # budget of line checking inside the create call
REPORTED_VIOLATIONS = 100  # named one by one in an error answer; the report file has them all
SCAN_CHUNK_BYTES = 4 * MIB  # unit of intake: one hop to the child process, one transaction

DISPLAY_NAME_CHARS = 512
FILE_NAME_CHARS = 40
PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 1000
MESSAGE_BATCH_PAGE_SIZE_DEFAULT = 20  # contract 6.1
FILE_PAGE_SIZE_DEFAULT = 10
FILE_PAGE_SIZE_MAX = 100

WINDOW_REQUESTS = 1024  # requests of one job held in memory ahead of dispatch
WINDOW_BYTES = 16 * MIB  # the same in bytes, whichever is first
WINDOWS_BYTES = 64 * MIB  # all jobs together; beyond that a job has one request ahead

ATTEMPTS = 5  # calls charged to one request before its trouble becomes its outcome
RETRY_BASE_S = 0.5
RETRY_CAP_S = 60.0
CALL_DEADLINE_S = 600.0  # one call to an engine
CALLERS_WAITING = 1000  # for a slot of one model: whoever comes then is refused at once
DRAIN_S = 5.0  # calls in flight get this long on SIGTERM

DEFAULT_OUTPUT_TOKENS = 512  # cap for a request that names none, on the embedded model
EMBED_REQUESTS_PER_CALL = 2048  # interactive batchEmbedContents; the hosted one stops at 100 (contract 7.15)
