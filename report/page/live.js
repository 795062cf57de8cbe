// The page follows its run: the server sends new content of main; opened details stay open.
(() => {
  const main = document.querySelector("main"), state = document.getElementById("state");
  const source = new EventSource("events");
  source.onmessage = (event) => {
    const open = [...main.querySelectorAll("details[open]")].map((d) => d.id);
    main.innerHTML = JSON.parse(event.data);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    state.textContent = "live";
  };
  source.addEventListener("end", () => { source.close(); state.textContent = "the run has ended"; });
  source.onerror = () => { state.textContent = "the run does not answer; these are its last figures"; };
})();
