// The page of the API's description. Requests are tried with the session of this browser.
window.SwaggerUIBundle({
  dom_id: "#docs",
  url: document.getElementById("docs").dataset.url,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // the default asks a foreign host
});
