#include "hw_testing.h"

int main(void) {
    hw_error error = {0};
    void *plugin = hw_open(hwt_config("{\"longest\":5}"), &error);
    hw_violations *found = hwt_violations();
    hw_subject subject = {.name = hw_text("elephant")};
    hw_validate(plugin, &subject, found, &error);
    HWT_EQUAL(hw_format("%zu", hwt_violation_count(found)), "1");
    hw_close(plugin);
    hwt_end();
}
