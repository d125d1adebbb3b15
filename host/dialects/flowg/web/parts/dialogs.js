// What is shown above a page: questions, forms, notices; and how a failure is told.

import { button, fill, h } from "../dom.js";
import { t } from "../texts.js";

/** A failure inside a page. */
export function problem(error) {
  return h("main", { class: "page" }, complaint(error));
}

/** A failure beside what caused it. */
export function complaint(error) {
  return h("pre", { class: "complaint", role: "alert" }, told(error));
}

/** A failure as a text for people. */
export function told(error) {
  if (error.status === "PERMISSION_DENIED") return `${t("You have no permission for this.")}\n${error.message}`;
  return error.message;
}

/** Says something for some seconds, without being in the way. */
export function notice(text, kind = "good") {
  let area = document.querySelector("body > .notices");
  if (!area) {
    area = h("div", { class: "notices", role: "status", popover: "manual" });
    document.body.append(area);
  }
  const note = h("p", { class: kind }, text);
  area.append(note);
  // Shown anew, it is above a dialog that was opened since.
  if (area.matches(":popover-open")) area.hidePopover();
  area.showPopover();
  setTimeout(() => {
    note.remove();
    if (!area.hasChildNodes()) area.remove();
  }, kind === "bad" ? 10000 : 4000);
}

/** Runs an action of a button and tells its failure. Answers whether it succeeded. */
export async function attempt(action, done) {
  try {
    await action();
    if (done) notice(done);
    return true;
  } catch (error) {
    if (error.name !== "AbortError") notice(told(error), "bad");
    return false;
  }
}

/** Opens a dialog. `build(close)` makes its content; the answer is what is given to `close`, undefined when it was left. */
function open(title, build, kind) {
  return new Promise((resolve) => {
    let answer;
    const close = (value) => {
      answer = value;
      dialog.close();
    };
    const ended = () => {
      dialog.remove();
      resolve(answer);
    };
    const dialog = h("dialog", { class: kind, "aria-label": title, on: { close: ended } }, h("h2", null, title));
    dialog.append(build(close));
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Asks for a yes to something that cannot be taken back. */
export async function confirmation(title, text, action) {
  const build = (close) =>
    h(
      "div",
      null,
      h("p", null, text),
      h("div", { class: "actions" }, button(t("Cancel"), () => close(false), { autofocus: true }), button(action, () => close(true), { kind: "danger" })),
    );
  return (await open(title, build)) === true;
}

/** Asks whether what is not saved may be lost. */
export function abandon() {
  return confirmation(t("Unsaved changes"), t("What was changed here is not saved."), t("Discard changes"));
}

/** A form in a dialog. `save()` is called when it is sent, and may fail; the dialog stays open then. Answers whether it was saved. */
export async function formDialog(title, { content, action, save, kind }) {
  const build = (close) => {
    const failure = h("div");
    const submit = async (event) => {
      event.preventDefault();
      fill(failure);
      try {
        await save();
        close(true);
      } catch (error) {
        fill(failure, complaint(error));
      }
    };
    const actions = h(
      "div",
      { class: "actions" },
      button(action ? t("Cancel") : t("Close"), () => close(false)),
      action && h("button", { class: "primary" }, action),
    );
    return h("form", { on: { submit } }, content, failure, actions);
  };
  return (await open(title, build, kind)) === true;
}

/** Shows something until it is closed. */
export function display(title, content, kind) {
  return open(title, (close) => h("div", null, content, h("div", { class: "actions" }, button(t("Close"), () => close()))), kind);
}

/** Asks for the name of something new. Answers it, or undefined. */
export async function askName(title, taken) {
  const input = h("input", { required: true, autofocus: true, "aria-label": t("Name") });
  const check = () => {
    const name = input.value;
    // A browser takes these two out of every path.
    const unusable = name === "." || name === "..";
    input.setCustomValidity(unusable ? t("This name cannot be used.") : taken.includes(name) ? t("This name is taken.") : "");
  };
  input.addEventListener("input", check);
  const made = await formDialog(title, { content: h("label", null, t("Name"), input), action: t("Create"), save: async () => {} });
  return made ? input.value : undefined;
}
