/* The request of the metrics' port: any bytes, in any pieces, have one of five answers. */
#include "fuzz.h"

#include "service/metrics_port.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = fuzz_copy(data, size < METRICS_HEAD_MAX ? size : METRICS_HEAD_MAX);
    for (size_t n = 0; n <= t.n; n++) {
        int status = metrics_request_status(text_slice(t, 0, n));
        CHECK(status == 0 || status == 200 || status == 400 || status == 404 || status == 405);
        if (status == 200)
            CHECK(text_starts(t, TEXT("GET /metrics")));
        if (status)
            break;
    }
    fuzz_free(t);
    return 0;
}
