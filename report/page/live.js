// The page follows its run: the server sends new content of main; opened details stay open, and pictures that are still
// shown are not loaded again.
(() => {
  const main = document.querySelector("main"), state = document.getElementById("state");
  const source = new EventSource("events" + location.search);
  source.onmessage = (event) => {
    const open = [...main.querySelectorAll("details[open]")].map((d) => d.id);
    const pictures = new Map([...main.querySelectorAll("img")].map((i) => [i.getAttribute("src"), i]));
    const next = document.createElement("template");
    next.innerHTML = JSON.parse(event.data);
    for (const img of next.content.querySelectorAll("img")) {
      const shown = pictures.get(img.getAttribute("src"));
      if (shown) img.replaceWith(shown);
    }
    main.replaceChildren(next.content);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    state.textContent = "live";
  };
  source.addEventListener("end", () => { source.close(); state.textContent = "the run has ended"; });
  source.onerror = () => { state.textContent = "the run does not answer; these are its last figures"; };
})();
