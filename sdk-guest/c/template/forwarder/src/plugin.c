/* Posts records as JSON. */
#include "hw.h"
#include "schema.h"

#include <stdlib.h>

/* What it may reach at most; hw_targets says what one configuration needs. */
static const char *const grants[] = {"http://*:*", "https://*:*", NULL};

const hw_about hw_plugin = {
    .name = "{{name}}",
    .version = "0.1.0",
    .summary = "Says in one line what {{name}} does",
    .config_schema = SCHEMA,
    .grants = grants,
};

bool hw_targets(const hw_json *config, hw_targets_list *targets, hw_error *error) {
    hw_str target = hw_url_target(hw_json_text(hw_json_member(config, "url")));
    if (!target.data) return hw_bad_config(error, "url: has to begin with http:// or https://") != NULL;
    hw_target(targets, target);
    return true;
}

/* The plugin is the URL. */
void *hw_open(const hw_json *config, hw_error *error) {
    (void)error;
    return hw_keep(hw_json_text(hw_json_member(config, "url")));
}

void hw_close(void *self) { free(self); }

void hw_send(void *self, hw_batch *batch, hw_report *report) {
    const hw_str headers[][2] = {{hw_text("Content-Type"), hw_text("application/json")}};
    for (size_t i = 0; i < hw_batch_len(batch); i++) {
        hw_request request = {"POST", hw_text(self), headers, 1, hw_record_json(batch, i), 0};
        hw_response answer = hw_http(&request);
        if (answer.status >= 200 && answer.status < 300) continue;
        if (!answer.status) {
            hw_report_stop(report, i, answer.failure, answer.is_passing ? 1000 : 0);
        } else {
            bool later = answer.status == 429 || answer.status >= 500;
            hw_report_stop(report, i, hw_format("the target answers %d", answer.status), later ? 1000 : 0);
        }
        return;
    }
}
