package conformance

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

var httpTable = []Transcript{
	{Name: "get", Steps: []Step{send(httpGet("/", "close")), expectPage(http.StatusOK), closed()}},
	{Name: "two on one connection", Steps: []Step{
		send(httpGet("/", "keep-alive")), expectPage(http.StatusOK),
		send(httpGet("/none", "close")), expectPage(http.StatusNotFound), closed(),
	}},
	{Name: "not HTTP", Steps: []Step{send("hello\r\n"), expectPage(http.StatusBadRequest), closed()}},
}

func httpGet(path, connection string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: conformance\r\nConnection: " + connection + "\r\n\r\n"
}

// expectPage wants a response; one that is well names the observed address.
func expectPage(status int) Step {
	return Step{Expect: func(from *Peer) error {
		r, err := http.ReadResponse(from.Reader, nil)
		if err != nil {
			return err
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		if r.StatusCode != status {
			return fmt.Errorf("status %s; want %d", r.Status, status)
		}
		if status == http.StatusOK && !strings.Contains(string(body), from.Local.String()) {
			return fmt.Errorf("the page does not name the observed address %v: %q", from.Local, body)
		}
		return nil
	}}
}
