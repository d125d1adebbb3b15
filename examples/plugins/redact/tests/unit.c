#include "hw_testing.h"

static hw_str clean(const char *config, const char *text) {
    hw_error error = {0};
    void *plugin = hw_open(hwt_config(config), &error);
    hw_batch *batch = hwt_batch(hw_format("[{\"m\":%s}]", hw_json_quote(hw_text(text)).data).data);
    hw_transform(plugin, batch, &error);
    hw_str made = hw_get(batch, 0, "m");
    hw_close(plugin);
    return made;
}

int main(void) {
    HWT_EQUAL(clean("{}", "mail ann.lee+x@mail.example.com."), "mail [email].");
    HWT_EQUAL(clean("{}", "a@b c@d.e <f@g.h>"), "a@b [email] <[email]>");
    HWT_EQUAL(clean("{}", "@x.y a@ a@.b a@b."), "@x.y a@ a@.b a@b.");
    HWT_EQUAL(clean("{}", "card 4111 1111 1111 1111, not 4111 1111 1111 1112"), "card [card], not 4111 1111 1111 1112");
    HWT_EQUAL(clean("{}", "5500-0055-5555-5559"), "[card]");
    HWT_EQUAL(clean("{}", "from 10.0.0.1:80 v1.2.3.4 1.2.3.4.5 256.1.1.1 1.2.3"), "from [ip]:80 v1.2.3.4 1.2.3.4.5 256.1.1.1 1.2.3");
    HWT_EQUAL(clean("{\"kinds\":[\"ipv4\"]}", "a@b.c 10.0.0.1"), "a@b.c [ip]");
    HWT_EQUAL(clean("{\"fields\":[\"other\"]}", "a@b.c"), "a@b.c");
    HWT_EQUAL(clean("{}", "1.1.1.1"), "[ip]");
    hw_error error = {0};
    hw_open(hwt_config("{\"kinds\":[\"name\"]}"), &error);
    HWT_EQUAL(error.why, "kinds[0]: is not one of email, card, ipv4");
    hwt_end();
}
