// A page of named things: a list of their names beside an editor of one.
//
// An editor is an element with `value()`, which tells changes, and `save()`.

import { button, fill, h } from "../dom.js";
import { go, guardWith, path } from "../navigation.js";
import { t } from "../texts.js";
import { abandon, askName, attempt, complaint, confirmation, formDialog } from "./dialogs.js";

/**
 * `kind` says what the things are: `title`, `segment` of the path, `names()`, `mayEdit`, `newTitle`, `open(name, {draft, readOnly})`
 * which answers an editor, `remove(name)` and `removal(name)`, the question before it.
 */
export async function workbench(kind, { name, signal, state }) {
  const names = await kind.names();
  const create = async () => {
    const made = await askName(kind.newTitle, names);
    if (made !== undefined) go(path(kind.segment, made), { state: { draft: true } });
  };
  const list = h("ul");
  const search = h("input", { type: "search", "aria-label": t("Find by name"), placeholder: t("Find by name") });
  const show = () => {
    const wanted = names.filter((one) => one.toLowerCase().includes(search.value.toLowerCase()));
    const entry = (one) => h("li", null, h("a", { href: path(kind.segment, one), "aria-current": one === name && "page" }, one));
    fill(list, wanted.map(entry));
  };
  search.addEventListener("input", show);
  show();
  const side = h(
    "aside",
    { class: "names" },
    h("h1", null, kind.title),
    kind.mayEdit && button(t("New"), create, { kind: "primary" }),
    names.length > 8 && search,
    names.length ? list : h("p", { class: "empty" }, t("There is none yet.")),
  );
  const isDraft = state.draft === true && !names.includes(name);
  const content = name ? await frame(kind, name, isDraft, signal) : h("p", { class: "empty" }, t("Choose one from the list."));
  return h("main", { class: "workbench" }, side, h("section", { class: "work" }, content));
}

/** The editor of one thing, with its bar. */
async function frame(kind, name, isDraft, signal) {
  let editor;
  try {
    editor = await kind.open(name, { draft: isDraft, readOnly: !kind.mayEdit });
  } catch (error) {
    return complaint(error);
  }
  let saved = isDraft ? null : JSON.stringify(editor.value());
  let gone = false;
  const isChanged = () => !gone && kind.mayEdit && JSON.stringify(editor.value()) !== saved;
  const save = button(t("Save"), async () => {
    const wrong = element.querySelector("input:invalid, select:invalid, textarea:invalid");
    if (wrong) return void wrong.reportValidity();
    const value = JSON.stringify(editor.value());
    save.disabled = true;
    const done = await attempt(() => editor.save(), t("Saved."));
    if (done) saved = value;
    update();
    if (done && isDraft) go(path(kind.segment, name), { replace: true, force: true });
  }, { kind: "primary" });
  const remove = button(t("Delete"), async () => {
    if (!(await confirmation(t("Delete {name}?", { name }), kind.removal(name), t("Delete")))) return;
    if (!(await attempt(() => kind.remove(name), t("Deleted.")))) return;
    gone = true;
    go(kind.segment, { force: true });
  }, { kind: "danger" });
  const update = () => {
    save.disabled = !isChanged();
  };
  const bar = h(
    "header",
    { class: "bar" },
    h("h2", null, name, isDraft && h("small", null, ` ${t("(not saved yet)")}`)),
    kind.mayEdit && !isDraft && remove,
    kind.mayEdit && save,
  );
  const element = h("div", { class: "frame", on: { input: update, change: update, edited: update } }, bar, editor.element);
  guardWith(signal, isChanged, abandon);
  update();
  return element;
}

/** An editor in a dialog. Answers whether it was saved. */
export function editorDialog(title, editor, { readOnly } = {}) {
  return formDialog(title, { content: editor.element, action: readOnly ? null : t("Save"), save: () => editor.save(), kind: "wide" });
}
