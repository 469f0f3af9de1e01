package service

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

func init() {
	All.Add(Service{
		Name:  "http",
		Port:  8000,
		About: "TCP: a web page that names the observed address and shows the request",
		New: func(*pflag.FlagSet) Handlers {
			return Handlers{Stream: serveHTTP}
		},
	})
}

// Limits of an HTTP connection, where --idle gives none.
const (
	httpHeaderLimit = 10 * time.Second
	httpIdleLimit   = 2 * time.Minute
	httpBodyLimit   = 64 << 10 // bytes
)

// serveHTTP has package net/http serve one connection.
func serveHTTP(_ context.Context, c *Conn) error {
	conn := newHTTPConn(c)
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", page)
	idle := httpIdleLimit
	if c.idle > 0 {
		idle = c.idle
	}
	s := http.Server{
		Handler:           http.MaxBytesHandler(mux, httpBodyLimit),
		ReadHeaderTimeout: min(idle, httpHeaderLimit),
		IdleTimeout:       idle,
		ErrorLog:          log.New(failures{c.journal}, "", 0),
		ConnState:         conn.state,
	}
	_ = s.Serve(conn) // it always ends with the error of the second Accept
	return conn.why()
}

// failures is where net/http logs what goes wrong.
type failures struct{ journal journal }

func (f failures) Write(p []byte) (int, error) {
	f.journal.failed(fmt.Errorf("%s", strings.TrimSpace(string(p))))
	return len(p), nil
}

//go:embed page.html
var pages embed.FS

var pageTemplate = template.Must(template.ParseFS(pages, "page.html"))

// page shows the client its observed address and its request as it came.
func page(w http.ResponseWriter, r *http.Request) {
	request, err := httputil.DumpRequest(r, true)
	if err != nil {
		http.Error(w, "read the request: "+err.Error(), http.StatusBadRequest)
		return
	}
	view := struct{ Observed, Request string }{r.RemoteAddr, strings.ReplaceAll(string(request), "\r\n", "\n")}
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "This server sees you as %s.\nYour request was:\n\n%s", view.Observed, view.Request)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = pageTemplate.Execute(w, view) // the client is gone
}
