/* Keeps one record of so many, and all that matter. */
#include "hw.h"
#include "schema.h"

#include <stdlib.h>
#include <string.h>

const hw_about hw_plugin = {
    .name = "sampling",
    .version = "0.1.0",
    .summary = "Keeps one record of so many, and all that matter",
    .config_schema = SCHEMA,
};

#define MAX_ALWAYS 64

typedef struct {
    uint64_t keep_one_in, count;
    char *by, *rate_field;
    struct {
        char *field, *text;
    } always[MAX_ALWAYS];
    size_t always_count;
} sampling;

static char *optional(const hw_json *config, const char *member) {
    hw_str text = hw_json_text(hw_json_member(config, member));
    return text.data ? hw_keep(text) : NULL;
}

void *hw_open(const hw_json *config, hw_error *error) {
    double keep = hw_json_number(hw_json_member(config, "keep_one_in"), 0);
    if (!(keep >= 1 && keep <= 1e15) || keep != (double)(uint64_t)keep)
        return hw_bad_config(error, "keep_one_in: has to be a whole number from 1 on");
    const hw_json *always = hw_json_member(config, "always");
    size_t texts = 0;
    for (size_t i = 0; i < hw_json_len(always); i++) {
        const hw_json *list = hw_json_item(always, i);
        if (hw_json_kind_of(list) != HW_JSON_LIST)
            return hw_bad_config(error, "always.%s: has to be a list of texts", hw_json_name(always, i).data);
        texts += hw_json_len(list);
    }
    if (texts > MAX_ALWAYS) return hw_bad_config(error, "always: has %zu texts, and at most %d are allowed", texts, MAX_ALWAYS);
    sampling *self = calloc(1, sizeof *self);
    if (!self) abort();
    self->keep_one_in = (uint64_t)keep;
    self->by = optional(config, "by");
    self->rate_field = optional(config, "rate_field");
    for (size_t i = 0; i < hw_json_len(always); i++) {
        const hw_json *list = hw_json_item(always, i);
        for (size_t j = 0; j < hw_json_len(list); j++) {
            self->always[self->always_count].field = hw_keep(hw_json_name(always, i));
            self->always[self->always_count++].text = hw_keep(hw_json_text(hw_json_item(list, j)));
        }
    }
    return self;
}

void hw_close(void *closed) {
    sampling *self = closed;
    for (size_t i = 0; i < self->always_count; i++) {
        free(self->always[i].field);
        free(self->always[i].text);
    }
    free(self->by);
    free(self->rate_field);
    free(self);
}

/* FNV-1a, and a last step that spreads it: the same in every instance and after a restart. */
static uint64_t hash(hw_str text) {
    uint64_t made = 14695981039346656037u;
    for (size_t i = 0; i < text.len; i++) made = (made ^ (unsigned char)text.data[i]) * 1099511628211u;
    made ^= made >> 32;
    made *= 0x9fb21c651e98df25u;
    return made ^ made >> 28;
}

static bool matters(const sampling *self, hw_batch *batch, size_t record) {
    for (size_t i = 0; i < self->always_count; i++)
        if (hw_equal(hw_get(batch, record, self->always[i].field), self->always[i].text)) return true;
    return false;
}

static bool is_sample(sampling *self, hw_batch *batch, size_t record) {
    hw_str by = self->by ? hw_get(batch, record, self->by) : HW_NONE;
    if (by.data) return hash(by) % self->keep_one_in == 0;
    return self->count++ % self->keep_one_in == 0;
}

bool hw_transform(void *given, hw_batch *batch, hw_error *error) {
    (void)error;
    sampling *self = given;
    size_t len = hw_batch_len(batch), kept = 0;
    uint32_t *indexes = hw_alloc(len * sizeof *indexes);
    hw_str rate = hw_format("%llu", (unsigned long long)self->keep_one_in);
    for (size_t i = 0; i < len; i++) {
        bool all = matters(self, batch, i);
        if (!all && !is_sample(self, batch, i)) continue;
        if (self->rate_field) hw_set(batch, i, self->rate_field, all ? hw_text("1") : rate);
        indexes[kept++] = (uint32_t)i;
    }
    if (kept < len) hw_select(batch, indexes, kept);
    hw_count("dropped_total", len - kept);
    return true;
}
