/* Refuses documents with long names. */
#include "hw.h"
#include "schema.h"

#include <stdlib.h>

const hw_about hw_plugin = {
    .name = "{{name}}",
    .version = "0.1.0",
    .summary = "Says in one line what {{name}} does",
    .config_schema = SCHEMA,
};

/* The plugin is the number of characters. */
void *hw_open(const hw_json *config, hw_error *error) {
    double longest = hw_json_number(hw_json_member(config, "longest"), 0);
    if (longest < 1) return hw_bad_config(error, "longest: has to be a number from 1 on");
    size_t *self = malloc(sizeof *self);
    if (self) *self = (size_t)longest;
    return self;
}

void hw_close(void *self) { free(self); }

bool hw_validate(void *self, const hw_subject *subject, hw_violations *found, hw_error *error) {
    (void)error;
    size_t longest = *(size_t *)self;
    if (subject->name.len > longest)
        hw_violation(found, true, "", "the name has %zu characters, and at most %zu are allowed", subject->name.len, longest);
    return true;
}
