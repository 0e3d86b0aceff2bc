// What pages do beyond htmx. There are no inline scripts: the Content-Security-Policy forbids them.
"use strict";

// Tab leaves a text area for the next field, as everywhere; in a policy, Ctrl-] indents by two spaces.
document.addEventListener("keydown", (event) => {
  const area = event.target;
  if (event.key === "]" && event.ctrlKey && area instanceof HTMLTextAreaElement && area.classList.contains("code")) {
    event.preventDefault();
    area.setRangeText("  ", area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (event.key === "Escape") {
    document.querySelectorAll("details.menu[open], details.confirm[open]").forEach((open) => open.removeAttribute("open"));
  }
});

// Filters the rows of a table by the text in a search field: <input data-filters="ID of the table">.
document.addEventListener("input", (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || !field.dataset.filters) return;
  const wanted = field.value.toLowerCase();
  document.querySelectorAll(`#${CSS.escape(field.dataset.filters)} tbody tr`).forEach((row) => {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
});

// A session that has ended answers parts of pages with a redirection to the form of signing in; other errors are told.
document.addEventListener("htmx:responseError", (event) => {
  const notes = document.getElementById("notes");
  if (!notes) return;
  const note = document.createElement("p");
  note.className = "note error";
  note.textContent = `The console answered ${event.detail.xhr.status}. Load the page again.`;
  notes.append(note);
});

// A field that is filled chooses what it is about: <div data-choice="VALUE"> within a fieldset with radio buttons.
document.addEventListener("input", (event) => {
  const part = event.target.closest("[data-choice]");
  const radio = part && part.closest("fieldset").querySelector(`input[type=radio][value="${CSS.escape(part.dataset.choice)}"]`);
  if (radio) radio.checked = true;
});
