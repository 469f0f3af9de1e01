package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// headerSize is how many bytes the file service's header has.
const headerSize = 300

const fileContent = "The first line.\n第二行\n{\"filename\": \"of another\"}\x00\xff\n"

var fileTable = []Transcript{
	{Name: "post, then get", Steps: []Step{
		send("post conformance.txt"), send(fileHeader("conformance.txt", len(fileContent))), send(fileContent),
		send("get conformance.txt\n"), expectHeader("conformance.txt", len(fileContent)), expect(fileContent), end(), closed(),
	}},
	{Name: "an empty file", Steps: []Step{
		send("post conformance.empty"), send(fileHeader("conformance.empty", 0)),
		send("get conformance.empty"), expectHeader("conformance.empty", 0), end(), closed(),
	}},
	{Name: "a missing file", Steps: []Step{
		send("get conformance.none"), expectRefusal("error", "cannot find conformance.none on server"), end(), closed(),
	}},
	{Name: "two requests with line ends", Steps: []Step{
		send("get conformance.none\n"), expectRefusal("error", "cannot find conformance.none on server"),
		send("get nor.this\n"), expectRefusal("error", "cannot find nor.this on server"), end(), closed(),
	}},
	{Name: "another method", Steps: []Step{
		send("delete conformance.txt"), expectRefusal("method_error", "method unsupported"), end(), closed(),
	}},
	{Name: "get outside the directory", Steps: []Step{send("get ../conformance.txt"), expectAnyRefusal(), end(), closed()}},
	{Name: "get by an absolute name", Steps: []Step{send("get /etc/passwd"), expectAnyRefusal(), end(), closed()}},
	{Name: "get a name with NUL", Steps: []Step{send("get a\x00b"), expectAnyRefusal(), end(), closed()}},
	{Name: "post outside the directory", Steps: []Step{
		send("post ../conformance.txt"), send(fileHeader("conformance.txt", 3)), send("abc"), expectAnyRefusal(), closed(),
	}},
	{Name: "a negative size", Steps: []Step{
		send("post conformance.bad"), send(fileHeader("conformance.bad", -1)), expectAnyRefusal(), closed(),
	}},
	{Name: "a broken-off upload leaves nothing", Steps: []Step{
		on(0, send("post conformance.part")), on(0, send(fileHeader("conformance.part", 100))), on(0, send("only this")),
		on(0, end()), on(0, expectAnyRefusal()), on(0, closed()),
		on(1, send("get conformance.part")), on(1, expectRefusal("error", "cannot find conformance.part on server")), on(1, end()), on(1, closed()),
	}},
}

// fileHeader is a header as it should be: padded to its size within the object.
func fileHeader(name string, size int) string {
	before := fmt.Sprintf(`{"filename": %q, "file_size": %d, "fill": "`, name, size)
	return before + strings.Repeat("0", headerSize-len(before)-2) + `"}`
}

// expectHeader wants a header that says this.
func expectHeader(name string, size int) Step {
	return Step{Expect: func(from *Peer) error {
		var h struct {
			Filename string `json:"filename"`
			Size     int    `json:"file_size"`
		}
		if err := readHeader(from, &h); err != nil {
			return err
		}
		if h.Filename != name || h.Size != size {
			return fmt.Errorf("the header says %q, %d bytes; want %q, %d bytes", h.Filename, h.Size, name, size)
		}
		return nil
	}}
}

// expectRefusal wants a header whose only member is this one.
func expectRefusal(key, text string) Step {
	return Step{Expect: func(from *Peer) error {
		h := map[string]any{}
		if err := readHeader(from, &h); err != nil {
			return err
		}
		if len(h) != 1 || h[key] != text {
			return fmt.Errorf("the header is %v; want %s: %s", h, key, text)
		}
		return nil
	}}
}

// expectAnyRefusal wants a header with an error, whatever its words.
func expectAnyRefusal() Step {
	return Step{Expect: func(from *Peer) error {
		h := map[string]any{}
		if err := readHeader(from, &h); err != nil {
			return err
		}
		if text, ok := h["error"].(string); !ok || text == "" {
			return fmt.Errorf("the header is %v; want an error", h)
		}
		return nil
	}}
}

func readHeader(from *Peer, into any) error {
	b := make([]byte, headerSize)
	n, err := io.ReadFull(from, b)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("a header of %d bytes; want %d", n, headerSize)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("the header %q: %w", b, err)
	}
	return nil
}
