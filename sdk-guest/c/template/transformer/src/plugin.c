/* Writes a field in upper case. */
#include "hw.h"
#include "schema.h"

#include <ctype.h>
#include <stdlib.h>

const hw_about hw_plugin = {
    .name = "{{name}}",
    .version = "0.1.0",
    .summary = "Says in one line what {{name}} does",
    .config_schema = SCHEMA,
};

/* The plugin is the name of the field. */
void *hw_open(const hw_json *config, hw_error *error) {
    hw_str field = hw_json_text(hw_json_member(config, "field"));
    if (!field.data) return hw_bad_config(error, "field: has to be a text");
    return hw_keep(field);
}

void hw_close(void *self) { free(self); }

bool hw_transform(void *self, hw_batch *batch, hw_error *error) {
    (void)error;
    for (size_t i = 0; i < hw_batch_len(batch); i++) {
        hw_str text = hw_get(batch, i, self);
        if (!text.data) continue;
        char *upper = hw_alloc(text.len + 1);
        for (size_t at = 0; at < text.len; at++) upper[at] = (char)toupper((unsigned char)text.data[at]);
        hw_set(batch, i, self, (hw_str){upper, text.len});
    }
    return true;
}
