// What scripts add to pages that work without them.
'use strict';

// A page that answers a form is in the history as the page that the form stood on, with what was typed: a browser that comes back
// to it has nothing to send again. Secrets and what belongs to one page alone are not kept; a page that asks who one is keeps nothing.
const ownFields = '[name="csrf"], [name="once"], [name^="prompt-"], [type="password"], [type="file"], [data-secret], button';
const formTo = (action) => [...document.querySelectorAll('form[method="post"]')]
  .find((form) => new URL(form.getAttribute('action'), location.href).pathname === action);
const typedIn = (form) => {
  const own = new Set([...form.elements].filter((field) => field.matches(ownFields)).map((field) => field.name));
  return [...new FormData(form)].filter(([name]) => !own.has(name));
};
const typeInto = (form, typed) => {
  const values = Map.groupBy(typed, ([name]) => name);
  const next = (name) => values.get(name)?.shift()?.[1];
  const held = (name, value) => values.get(name)?.some((pair) => pair[1] === value) ?? false;
  for (const field of form.elements) {
    if (!field.name || field.matches(ownFields)) continue;
    if (field.type === 'checkbox' || field.type === 'radio') {
      field.checked = held(field.name, field.value);
    } else if (field.type === 'select-multiple') {
      for (const [, value] of values.get(field.name) ?? []) {
        if (![...field.options].some((option) => option.value === value)) field.add(new Option(value, value));
      }
      for (const option of field.options) option.selected = held(field.name, option.value);
    } else {
      field.value = next(field.name) ?? field.value;
    }
  }
  for (const details of form.querySelectorAll('details.advanced')) details.open = true;
};
// Who comes to the page anew, by a link or its address, finds it empty.
const isReturn = ['back_forward', 'reload'].includes(performance.getEntriesByType('navigation')[0]?.type);
const answer = document.querySelector('main[data-posted]');
if (answer) {
  const form = answer.closest('.shell') && formTo(location.pathname);
  const kept = form && !form.matches('[role="search"]') ? { action: location.pathname, typed: typedIn(form) } : null;
  history.replaceState(kept, '', answer.querySelector('[data-at]')?.dataset.at ?? (document.referrer || location.href));
} else if (isReturn && history.state?.typed && formTo(history.state.action)) {
  typeInto(formTo(history.state.action), history.state.typed);
}

// What was done, for who looks and for who listens.
const say = (text) => {
  const said = document.getElementById('said');
  said.textContent = text;
  said.className = 'toast';
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { said.className = 'sr-only'; }, 5000);
};

// An element with these attributes, and what is in it.
const element = (tag, attributes, ...inside) => {
  const made = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  made.append(...inside);
  return made;
};
const newButton = (text, act, attributes = {}) => {
  const made = element('button', { type: 'button', class: 'btn', 'data-variant': 'outline', ...attributes }, text);
  made.addEventListener('click', act);
  return made;
};
// A search that sends no form.
const searchField = (placeholder, label, look) => {
  const made = element('input', { type: 'search', class: 'input', placeholder, 'aria-label': label });
  made.addEventListener('input', look);
  made.addEventListener('keydown', (event) => { if (event.key === 'Enter') event.preventDefault(); });
  return made;
};

// A value to be taken away: copied with one press, emptied when the page is left.
customElements.define('copy-once', class extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector('[data-copy]');
    const field = this.querySelector('input, textarea');
    const said = this.querySelector('[aria-live]');
    button.hidden = false;
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        field.select();
        document.execCommand('copy');
      }
      said.textContent = this.dataset.copied;
      button.dataset.done = '';
      this.dispatchEvent(new CustomEvent('taken', { bubbles: true, detail: field.id }));
    });
    field.addEventListener('focus', () => field.select());
  }
});

// A key that can be shown again is copied from its row. What else is answered (a question who one is) is shown as a page.
customElements.define('copy-key', class extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector('form');
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const sent = { method: 'POST', body: new URLSearchParams(new FormData(form)) };
      const answer = await fetch(form.action, sent).then((response) => response.text()).catch(() => '');
      const value = new DOMParser().parseFromString(answer, 'text/html').getElementById('secret')?.getAttribute('value');
      if (!value) {
        HTMLFormElement.prototype.submit.call(form);
        return;
      }
      try {
        await navigator.clipboard.writeText(value);
        say(this.dataset.copied);
      } catch {
        this.offer(value);
      }
    });
  }

  // The clipboard is not to be had: the value to be selected, and gone with the dialog.
  offer(value) {
    const { blocked, end } = this.dataset;
    const field = element('input', { class: 'input mono', readonly: '', 'aria-label': blocked });
    field.value = value;
    const inside = [element('p', {}, blocked), field, element('button', { class: 'btn' }, end)];
    const body = element('form', { method: 'dialog', class: 'confirm-body' }, ...inside);
    const dialog = element('dialog', { class: 'confirm-dialog', 'aria-label': blocked }, body);
    document.body.append(dialog);
    dialog.addEventListener('close', () => { field.value = ''; dialog.remove(); this.querySelector('button').focus(); });
    dialog.showModal();
    field.select();
  }
});

// Ticks among many: a search, and one press for all that it has left.
customElements.define('pick-list', class extends HTMLElement {
  connectedCallback() {
    const picks = [...this.querySelectorAll('.pick')];
    if (picks.length < 8) return;
    const search = searchField(this.dataset.search, this.dataset.search, () => {
      const wanted = search.value.trim().toLowerCase();
      picks.forEach((pick) => { pick.hidden = !pick.textContent.toLowerCase().includes(wanted); });
    });
    const tick = (pick) => { if (!pick.hidden) pick.querySelector('input').checked = true; };
    this.before(element('div', { class: 'pick-tools' }, search, newButton(this.dataset.all, () => picks.forEach(tick))));
  }
});

// A field for what is not among the choices above it is there where another one is meant; one that is gone holds nothing.
customElements.define('other-choice', class extends HTMLElement {
  connectedCallback() {
    const choice = this.querySelector('select');
    const other = this.querySelector('input');
    const field = other.closest('.field');
    const show = () => {
      if (other.value) choice.value = this.dataset.other;
      field.hidden = choice.value !== this.dataset.other;
    };
    other.addEventListener('change', show);
    choice.addEventListener('change', () => {
      if (choice.value !== this.dataset.other) other.value = '';
      show();
      other.focus();
    });
    show();
  }
});

// What belongs to some choices alone is there with them.
customElements.define('shown-for', class extends HTMLElement {
  connectedCallback() {
    const choice = document.getElementById(this.dataset.field);
    const show = () => {
      this.hidden = !this.dataset.values.split(' ').includes(choice.value);
    };
    choice.addEventListener('change', show);
    show();
  }
});

// A name that is the address of whom it stands for, until another one is typed.
customElements.define('suggested-name', class extends HTMLElement {
  connectedCallback() {
    const name = this.querySelector('input');
    const { contact_email: contact, profile_user: profile } = name.form.elements;
    const suggested = () => (contact.closest('[hidden]') ? profile.selectedOptions?.[0]?.dataset.email ?? '' : contact.value.trim());
    let before = name.value === suggested() ? name.value : '';
    for (const type of ['input', 'change']) {
      name.form.addEventListener(type, (event) => {
        if (event.target === name || name.value !== before) return;
        name.value = before = suggested();
      });
    }
  }
});

// A password that is chosen for somebody else: made at random, seen or hidden, with its strength in a word.
customElements.define('new-password', class extends HTMLElement {
  connectedCallback() {
    const field = this.querySelector('input');
    const words = this.dataset;
    const said = element('span', { class: 'strength', 'aria-live': 'polite' });
    const show = newButton(words.show, () => see(field.type === 'password'));
    const see = (isSeen) => {
      field.type = isSeen ? 'text' : 'password';
      show.textContent = isSeen ? words.hide : words.show;
    };
    const tell = () => {
      const level = this.level(field.value);
      said.dataset.level = level;
      said.textContent = field.value ? words.strengths.split('|')[level] : '';
    };
    const make = newButton(words.make, () => {
      const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
      const drawn = [];
      while (drawn.length < 24) {
        // Only what makes each letter equally likely.
        const [byte] = crypto.getRandomValues(new Uint8Array(1));
        if (byte < 256 - (256 % letters.length)) drawn.push(letters[byte % letters.length]);
      }
      field.value = drawn.join('').replace(/.{6}(?=.)/g, '$&-');
      see(true);
      tell();
      field.select();
    });
    field.addEventListener('input', tell);
    this.append(make, show, said);
  }

  // By how many letters there could be at each place; the server knows more.
  level(text) {
    if (text.length < 12) return 0;
    const kinds = [[/[a-z]/, 26], [/[A-Z]/, 26], [/[0-9]/, 10], [/[^a-zA-Z0-9]/, 30]];
    const letters = kinds.reduce((sum, [kind, count]) => sum + (kind.test(text) ? count : 0), 0);
    const bits = Math.min(text.length, 2 * new Set(text).size) * Math.log2(letters);
    return [60, 80].filter((least) => bits >= least).length + 1;
  }
});

// A name with a button that copies it.
customElements.define('copy-text', class extends HTMLElement {
  connectedCallback() {
    const text = this.textContent;
    const { label, copied } = this.dataset;
    const said = element('span', { class: 'sr-only', 'aria-live': 'polite' });
    const copy = element('button', { type: 'button', 'aria-label': `${label}: ${text}` }, label);
    copy.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        getSelection().selectAllChildren(this.querySelector('code'));
        document.execCommand('copy');
      }
      copy.textContent = said.textContent = copied;
      setTimeout(() => { copy.textContent = label; said.textContent = ''; }, 2000);
    });
    this.append(copy, said);
  }
});

// A file that was chosen for a preview is still chosen on the page that shows it, so that large ones are chosen once.
customElements.define('keep-file', class extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector('input');
    const form = input.form;
    form.addEventListener('submit', async (event) => {
      if (event.submitter?.value !== 'preview' || !input.files.length) return;
      event.preventDefault();
      event.stopPropagation();
      form.setAttribute('aria-busy', 'true');
      const answer = await fetch(form.action, { method: 'POST', body: new FormData(form, event.submitter) }).catch(() => null);
      const page = new DOMParser().parseFromString(await answer?.text() ?? '', 'text/html');
      const main = page.querySelector('.shell main');
      if (!main) {
        form.removeAttribute('aria-busy');
        HTMLFormElement.prototype.submit.call(form);
        return;
      }
      const { files } = input;
      document.querySelector('main').replaceWith(document.adoptNode(main));
      const again = main.querySelector('keep-file input');
      if (again) again.files = files;
      (main.querySelector('[role="alert"]') ?? main).focus();
      scrollTo(0, 0);
    });
  }
});

// The page of a secret: leaving without having taken it asks once; nothing stays behind in the page.
customElements.define('shown-once', class extends HTMLElement {
  connectedCallback() {
    const secrets = [...this.querySelectorAll('[data-secret]')];
    if (secrets.length === 0) return;
    let taken = !this.dataset.leave;
    this.addEventListener('taken', () => { taken = true; });
    this.addEventListener('copy', () => { taken = true; });
    const download = this.querySelector('[data-download]');
    const isForm = download?.matches('form');
    if (download) download.hidden = false;
    download?.addEventListener(isForm ? 'submit' : 'click', (event) => {
      event.preventDefault();
      const link = document.createElement('a');
      const value = isForm ? new FormData(download).get('value') : secrets[0].value;
      link.href = URL.createObjectURL(new Blob([value], { type: 'text/plain;charset=utf-8' }));
      link.download = download.dataset.download;
      link.click();
      URL.revokeObjectURL(link.href);
      taken = true;
    });
    const ask = (event) => {
      if (taken) return;
      if (!confirm(this.dataset.leave)) {
        event.preventDefault();
        return;
      }
      taken = true;
    };
    this.querySelectorAll('[data-leaves]').forEach((link) => link.addEventListener('click', ask));
    addEventListener('beforeunload', (event) => { if (!taken) event.preventDefault(); });
    addEventListener('pagehide', () => secrets.forEach((field) => { field.value = ''; field.removeAttribute('value'); field.textContent = ''; }));
    addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  }
});

// Two lists in the place of one of several choices: by mouse and by keyboard.
customElements.define('dual-list', class extends HTMLElement {
  connectedCallback() {
    this.source = this.querySelector('select');
    this.source.hidden = true;
    const label = document.querySelector(`label[for="${this.source.id}"]`);
    const words = this.dataset;
    this.left = this.list(words.available);
    this.right = this.list(words.selected);
    const buttons = element('div', { class: 'dual-buttons' });
    [[words.add, this.left, true, false], [words.addAll, this.left, true, true],
      [words.remove, this.right, false, false], [words.removeAll, this.right, false, true]]
      .forEach(([text, from, selected, all]) => {
        const mover = newButton(text, () => this.move(from, selected, all), { 'data-size': 'sm' });
        const able = () => { mover.disabled = all ? this.meant(from, selected).length === 0 : from.select.selectedOptions.length === 0; };
        from.select.addEventListener('change', able);
        this.addEventListener('filled', able);
        buttons.append(mover);
      });
    this.append(this.left.box, buttons, this.right.box);
    if (label) label.htmlFor = this.left.select.id;
    this.fill();
  }

  list(title) {
    const id = `${this.source.id}-${title.replace(/\W+/g, '-').toLowerCase()}`;
    const search = searchField(this.dataset.search, `${this.dataset.search}: ${title}`, () => this.fill());
    const select = element('select', { multiple: '', size: 8, id, class: 'select' });
    const box = element('div', { class: 'dual-box' }, element('label', { for: id }, title), search, select);
    const list = { box, search, select };
    const isLeft = title === this.dataset.available;
    select.addEventListener('dblclick', () => this.move(list, isLeft));
    select.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        this.move(list, isLeft);
      }
    });
    return list;
  }

  // What *all* means: nothing of a group that stands apart, unless to be taken out.
  meant(from, selected) {
    return [...from.select.options].filter((option) => !selected || option.parentElement === from.select);
  }

  move(from, selected, all) {
    const shown = (all ? this.meant(from, selected) : [...from.select.selectedOptions]).map((option) => option.value);
    [...this.source.options].forEach((option) => { if (shown.includes(option.value)) option.selected = selected; });
    this.fill();
    from.select.focus();
  }

  fill() {
    [[this.left, false], [this.right, true]].forEach(([list, selected]) => {
      const wanted = list.search.value.trim().toLowerCase();
      list.select.replaceChildren();
      let group;
      [...this.source.options]
        .filter((option) => option.selected === selected && option.text.toLowerCase().includes(wanted))
        .forEach((option) => {
          const { label } = option.parentElement;
          if (label && group?.label !== label) {
            group = element('optgroup', { label });
            list.select.append(group);
          }
          const shown = new Option(option.text, option.value);
          shown.title = option.text;
          (label ? group : list.select).append(shown);
        });
    });
    this.dispatchEvent(new Event('filled'));
  }
});

// New secrets of many keys come as a file that grows: how far it is, and the file to be saved. Without scripts it is a download.
customElements.define('rotate-many', class extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector('form');
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.rotate(form);
    });
  }

  async rotate(form) {
    const [shown, bar, said, save] = ['.rotation', 'progress', '[role="status"]', 'a[download]'].map((part) => this.querySelector(part));
    const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
    // A question who one is, or a refusal, is shown as a page.
    if (!answer.ok || !answer.headers.get('content-type').startsWith('text/csv')) {
      form.submit();
      return;
    }
    form.hidden = true;
    shown.hidden = false;
    const keep = (event) => event.preventDefault();
    addEventListener('beforeunload', keep);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let [file, rest, done, refused, broke] = ['', '', -1, 0, false];
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        file += part.value;
        const lines = (rest + part.value).split('\r\n');
        rest = lines.pop();
        // The last two cells say why a key was not rotated; the first line names them.
        refused += lines.filter((line, at) => (done >= 0 || at > 0) && !line.endsWith(',"",""')).length;
        done += lines.length;
        bar.value = done;
      }
    } catch {
      broke = true;
    }
    const told = [`${done - refused} ${this.dataset.done}`];
    if (refused) told.push(`${refused} ${this.dataset.refused}`);
    said.textContent = (broke ? [this.dataset.broken, ...told] : told).join(' ');
    save.href = URL.createObjectURL(new Blob([file], { type: 'text/csv' }));
    save.hidden = false;
    save.focus();
    save.addEventListener('click', () => removeEventListener('beforeunload', keep));
    addEventListener('pagehide', () => URL.revokeObjectURL(save.href));
  }
});

// What stands behind the # of a link goes into a field, and out of the address.
customElements.define('from-fragment', class extends HTMLElement {
  connectedCallback() {
    const token = location.hash.slice(1);
    if (!token) return;
    document.getElementById(this.dataset.into).value = decodeURIComponent(token);
    this.hidden = true;
    history.replaceState(null, '', location.pathname + location.search);
  }
});

// Narrow windows show rows as cards: each cell is told its column's head, and what the table is to those who cannot see it.
const card = (table) => {
  const heads = [...table.querySelectorAll('thead th')].map((head) => head.textContent.trim());
  const roles = { table: 'table', thead: 'rowgroup', tbody: 'rowgroup', tr: 'row', td: 'cell' };
  for (const part of [table, ...table.querySelectorAll('thead, tbody, tr, td')]) part.setAttribute('role', roles[part.localName]);
  for (const head of table.querySelectorAll('th')) head.setAttribute('role', head.scope === 'row' ? 'rowheader' : 'columnheader');
  for (const row of table.querySelectorAll('tbody tr')) {
    [...row.children].forEach((cell, column) => { if (cell.localName === 'td' && heads[column]) cell.dataset.head = heads[column]; });
  }
  table.classList.add('carded');
};
document.querySelectorAll('.table-container > table').forEach(card);

// Questions open as dialogs.
const askInDialog = (details) => {
  const body = details.querySelector('.confirm-body');
  const summary = details.querySelector('summary');
  const inner = summary.querySelector('[role="switch"]');
  const model = inner ?? summary;
  const attributes = Object.fromEntries([...model.attributes].map(({ name, value }) => [name, value]));
  const opener = element('button', { type: 'button', ...attributes, 'aria-haspopup': 'dialog' }, ...model.cloneNode(true).childNodes);
  const dialog = element('dialog', { class: 'confirm-dialog', 'aria-label': body.getAttribute('aria-label') }, body);
  details.replaceWith(opener);
  document.body.append(dialog);
  opener.addEventListener('click', () => dialog.showModal());
  // Who pressed before this script ran has asked already.
  if (details.open) dialog.showModal();
  dialog.querySelector('[data-close]').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => {
    const menu = opener.closest('details.menu');
    if (menu) menu.open = false;
    (menu?.querySelector('summary') ?? opener).focus();
  });
};

// A value that is offered goes into a field as a further line.
const appendOnPress = (button) => {
  button.hidden = false;
  button.addEventListener('click', () => {
    const field = document.getElementById(button.dataset.to);
    const lines = field.value.split('\n').filter((line) => line.trim());
    if (!lines.includes(button.dataset.append)) field.value = [...lines, button.dataset.append].join('\n');
    field.focus();
  });
};

// What scrolls can be scrolled by keyboard, and says what it is.
const nameScrollers = (container) => {
  container.tabIndex = 0;
  container.setAttribute('role', 'region');
  if (!container.hasAttribute('aria-label')) container.setAttribute('aria-label', document.querySelector('h1')?.textContent ?? '');
};

const enhance = (root) => {
  root.querySelectorAll('.table-container').forEach(nameScrollers);
  root.querySelectorAll('details[data-dialog]').forEach(askInDialog);
  root.querySelectorAll('[data-append]').forEach(appendOnPress);
};
enhance(document);

// A switch in a row changes the row alone; whatever else is answered (a question who one is, a refusal) is shown as a page.
document.addEventListener('submit', async (event) => {
  const form = event.target;
  const row = form.elements.row && document.getElementById(form.elements.row.value);
  if (!row) return;
  event.preventDefault();
  const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const fresh = page.getElementById(row.id);
  if (!answer.ok || !fresh) {
    form.elements.row.remove();
    form.submit();
    return;
  }
  form.closest('dialog')?.close();
  row.replaceWith(fresh);
  enhance(fresh);
  fresh.querySelector('[role="switch"]')?.focus();
  say([fresh.querySelector('th a'), page.querySelector('.told')].map((part) => part?.textContent).filter(Boolean).join(': '));
}, true);

// A menu closes when one goes elsewhere.
document.addEventListener('click', (event) => {
  document.querySelectorAll('details.menu[open]').forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});
document.addEventListener('focusout', (event) => {
  const menu = event.target.closest('details.menu[open]');
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});
document.addEventListener('keydown', (event) => {
  const open = document.querySelector('details.menu[open]');
  if (event.key === 'Escape' && open) {
    open.open = false;
    open.querySelector('summary').focus();
  }
  const typing = event.target.closest('input, textarea, select, [contenteditable]');
  if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.querySelector('[data-focus-key="/"]')?.focus();
  }
});

// A filter that was chosen is in force.
document.querySelectorAll('form[data-submit-on-change] select').forEach((select) => {
  select.addEventListener('change', () => select.form.requestSubmit());
});

// A choice that stands for values of other fields puts them there.
document.querySelectorAll('select[data-fills]').forEach((select) => {
  select.addEventListener('change', () => {
    for (const [name, value] of Object.entries(select.selectedOptions[0]?.dataset ?? {})) select.form.elements[name].value = value;
  });
});

// A button that a choice presses.
document.querySelectorAll('[data-pressed-by]').forEach((button) => {
  document.getElementById(button.dataset.pressedBy).addEventListener('change', () => button.form.requestSubmit(button));
});

// A form is sent once.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.method !== 'post' || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = 'yes';
  addEventListener('pageshow', () => delete form.dataset.sent, { once: true });
});
