// What scripts add to pages that work without them.
'use strict';

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

// A name with a button that copies it.
customElements.define('copy-text', class extends HTMLElement {
  connectedCallback() {
    const text = this.textContent;
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = this.dataset.label;
    button.setAttribute('aria-label', `${this.dataset.label}: ${text}`);
    const said = document.createElement('span');
    said.className = 'sr-only';
    said.setAttribute('aria-live', 'polite');
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        getSelection().selectAllChildren(this.querySelector('code'));
        document.execCommand('copy');
      }
      button.textContent = said.textContent = this.dataset.copied;
      setTimeout(() => { button.textContent = this.dataset.label; said.textContent = ''; }, 2000);
    });
    this.append(button, said);
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
    let taken = false;
    this.addEventListener('taken', () => { taken = true; });
    this.addEventListener('copy', () => { taken = true; });
    const download = this.querySelector('[data-download]');
    download?.addEventListener('submit', (event) => {
      event.preventDefault();
      const link = document.createElement('a');
      const value = new FormData(download).get('value');
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
    const buttons = document.createElement('div');
    buttons.className = 'dual-buttons';
    [[words.add, this.left, true, false], [words.addAll, this.left, true, true],
      [words.remove, this.right, false, false], [words.removeAll, this.right, false, true]]
      .forEach(([text, from, selected, all]) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.className = 'btn';
        button.dataset.variant = 'outline';
        button.dataset.size = 'sm';
        button.textContent = text;
        button.addEventListener('click', () => this.move(from, selected, all));
        const able = () => { button.disabled = all ? from.select.options.length === 0 : from.select.selectedOptions.length === 0; };
        from.select.addEventListener('change', able);
        this.addEventListener('filled', able);
        buttons.append(button);
      });
    this.append(this.left.box, buttons, this.right.box);
    if (label) label.htmlFor = this.left.select.id;
    this.fill();
  }

  list(title) {
    const box = document.createElement('div');
    box.className = 'dual-box';
    const id = `${this.source.id}-${title.replace(/\W+/g, '-').toLowerCase()}`;
    const heading = document.createElement('label');
    heading.htmlFor = id;
    heading.textContent = title;
    const search = document.createElement('input');
    search.type = 'search';
    search.className = 'input';
    search.placeholder = this.dataset.search;
    search.setAttribute('aria-label', `${this.dataset.search}: ${title}`);
    const select = document.createElement('select');
    select.multiple = true;
    select.size = 8;
    select.id = id;
    select.className = 'select';
    box.append(heading, search, select);
    const list = { box, search, select };
    search.addEventListener('input', () => this.fill());
    search.addEventListener('keydown', (event) => { if (event.key === 'Enter') event.preventDefault(); });
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

  move(from, selected, all) {
    const shown = [...from.select.options].filter((option) => all || option.selected).map((option) => option.value);
    [...this.source.options].forEach((option) => { if (shown.includes(option.value)) option.selected = selected; });
    this.fill();
    from.select.focus();
  }

  fill() {
    [[this.left, false], [this.right, true]].forEach(([list, selected]) => {
      const wanted = list.search.value.trim().toLowerCase();
      const options = [...this.source.options]
        .filter((option) => option.selected === selected && option.text.toLowerCase().includes(wanted))
        .map((option) => new Option(option.text, option.value));
      list.select.replaceChildren(...options);
    });
    this.dispatchEvent(new Event('filled'));
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

// Questions open as dialogs.
const askInDialog = (details) => {
  const body = details.querySelector('.confirm-body');
  const dialog = document.createElement('dialog');
  dialog.className = 'confirm-dialog';
  dialog.setAttribute('aria-label', body.getAttribute('aria-label'));
  const opener = document.createElement('button');
  opener.type = 'button';
  const summary = details.querySelector('summary');
  const inner = summary.querySelector('[role="switch"]');
  const model = inner ?? summary;
  opener.className = model.className;
  [...model.attributes].filter(({ name }) => name !== 'class').forEach(({ name, value }) => opener.setAttribute(name, value));
  opener.append(...model.cloneNode(true).childNodes);
  opener.setAttribute('aria-haspopup', 'dialog');
  dialog.append(body);
  details.replaceWith(opener);
  document.body.append(dialog);
  opener.addEventListener('click', () => dialog.showModal());
  dialog.querySelector('[data-close]').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => opener.focus());
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
  document.getElementById('said').textContent = page.querySelector('.told')?.textContent ?? '';
}, true);

// A menu closes when one goes elsewhere.
document.addEventListener('click', (event) => {
  document.querySelectorAll('details.menu[open]').forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
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
