// Everything works without scripts. On a narrow screen the menu shows the entry that is open.
document.querySelector('nav [aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' });

// Keyboard: `/` or Ctrl-K goes to the search box.
document.addEventListener('keydown', (event) => {
  const typing = event.target instanceof Element && event.target.closest('input, select, textarea');
  const slash = event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
  const k = event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey);
  const box = document.querySelector('[data-search]');
  if (box && (slash || k)) {
    event.preventDefault();
    box.focus();
    box.select();
  }
});
