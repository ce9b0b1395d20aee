function render({ model, el }) {
  el.classList.add("sf-browser-button");
  const button = document.createElement("button");
  button.type = "button";
  const message = document.createElement("span");
  message.className = "sf-message";
  message.setAttribute("role", "status");
  el.append(button, message);
  let tab = null;
  const draw = () => {
    button.textContent = model.get("description");
    button.disabled = model.get("disabled");
    const style = model.get("primary") ? " mod-primary" : "";
    button.className = "jupyter-widgets jupyter-button widget-button" + style;
  };
  const makeLink = (url, text, fileName) => {
    const anchor = document.createElement("a");
    anchor.href = url;
    anchor.textContent = text;
    if (fileName) anchor.download = fileName;
    else { anchor.target = "_blank"; anchor.rel = "noopener noreferrer"; }
    return anchor;
  };
  button.addEventListener("click", () => {
    const action = model.get("action");
    message.replaceChildren();
    if (action === "open") {
      tab = window.open("about:blank", "_blank");
      if (tab) {
        tab.opener = null;
        tab.document.title = "Please wait";
        tab.document.body.textContent = "The notebook is requesting the page. If its kernel is "
          + "busy with a cell, the cell must finish first.";
      }
    }
    if (action === "copy") {
      const show = (text) => { message.textContent = text; };
      navigator.clipboard?.writeText(model.get("text")).then(
        () => show("Copied."), () => show("The browser does not allow this. Select the text."));
    } else model.send({ clicked: true });
  });
  const receive = (command, buffers) => {
    if (command.navigate) {
      if (tab && !tab.closed) tab.location.replace(command.navigate);
      message.replaceChildren(makeLink(command.navigate, "Open the page, if no tab opened"));
      tab = null;
    }
    if (command.close) {
      if (tab && !tab.closed) tab.close();
      tab = null;
      message.replaceChildren();
    }
    if (command.download) {
      const url = URL.createObjectURL(new Blob([buffers[0]]));
      makeLink(url, command.download, command.download).click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
    }
  };
  const names = ["description", "disabled", "primary"];
  names.forEach((name) => model.on(`change:${name}`, draw));
  model.on("msg:custom", receive);
  draw();
  return () => {
    names.forEach((name) => model.off(`change:${name}`, draw));
    model.off("msg:custom", receive);
  };
}
export default { render };
