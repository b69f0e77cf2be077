export { type HttpOptions, type HttpServing, serveHttp } from './http.js'
export { MAX_NOTES, type Note, Notebook } from './notebook.js'
export { createNotesServer } from './server.js'
