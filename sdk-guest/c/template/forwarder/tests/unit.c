#include "hw_testing.h"

int main(void) {
    hw_error error = {0};
    void *plugin = hw_open(hwt_config("{\"url\":\"https://example.com/in\"}"), &error);
    HWT_EQUAL(hw_url_target(hw_text("https://example.com/in")), "https://example.com:443");
    hwt_answer(204, "");
    hw_send(plugin, hwt_batch("[{\"message\":\"hello\"}]"), NULL);
    HWT_EQUAL(hwt_sent(), "{\"message\":\"hello\"}");
    hw_close(plugin);
    hwt_end();
}
