#include "hw_testing.h"

static hw_str passed(const char *config, const char *records) {
    hw_error error = {0};
    void *plugin = hw_open(hwt_config(config), &error);
    hw_batch *batch = hwt_batch(records);
    hw_transform(plugin, batch, &error);
    hw_close(plugin);
    return hwt_records(batch);
}

int main(void) {
    HWT_EQUAL(passed("{\"keep_one_in\":2}", "[{\"n\":\"a\"},{\"n\":\"b\"},{\"n\":\"c\"}]"), "[{\"n\":\"a\"},{\"n\":\"c\"}]");
    HWT_EQUAL(passed("{\"keep_one_in\":9,\"always\":{\"level\":[\"error\"]},\"rate_field\":\"rate\"}",
                     "[{\"n\":\"a\"},{\"n\":\"b\"},{\"level\":\"error\"}]"),
              "[{\"n\":\"a\",\"rate\":\"9\"},{\"level\":\"error\",\"rate\":\"1\"}]");
    hw_error error = {0};
    hw_open(hwt_config("{\"keep_one_in\":0.5}"), &error);
    HWT_EQUAL(error.why, "keep_one_in: has to be a whole number from 1 on");
    /* About one in ten of many, and the same ones for the same id. */
    size_t kept = 0;
    for (int i = 0; i < 10000; i++) {
        hw_str record = hw_format("[{\"id\":\"%d\"},{\"id\":\"%d\"}]", i, i);
        hw_str made = passed("{\"keep_one_in\":10,\"by\":\"id\"}", record.data);
        if (made.len > 2) {
            HWT_EQUAL(made, record.data);
            kept++;
        }
        hwt_end();
    }
    HWT_EQUAL(hw_text(kept > 850 && kept < 1150 ? "yes" : "no"), "yes");
    hwt_end();
}
