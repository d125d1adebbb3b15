#include "hw_testing.h"

int main(void) {
    hw_error error = {0};
    void *plugin = hw_open(hwt_config("{\"field\":\"level\"}"), &error);
    hw_batch *batch = hwt_batch("[{\"level\":\"info\"},{}]");
    hw_transform(plugin, batch, &error);
    HWT_EQUAL(hwt_records(batch), "[{\"level\":\"INFO\"},{}]");
    hw_close(plugin);
    hwt_end();
}
