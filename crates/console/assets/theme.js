// Light or dark before the first paint: the server says which the person has chosen, the machine what it is without a choice.
(() => {
  const root = document.documentElement;
  const machine = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const theme = root.dataset.theme;
    root.classList.toggle('dark', theme === 'dark' || (theme !== 'light' && machine.matches));
  };
  root.classList.add('scripted');
  machine.addEventListener('change', apply);
  apply();
})();
