package transfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// HeaderSize is how many bytes a header has, always.
const HeaderSize = 300

// Header says what follows it.
type Header struct {
	Filename string
	Size     int64 // of the file, in bytes

	// Bare is true for a header that was read without its padding: that of the
	// tutorials' own client, which computes a padding and then sends none.
	Bare bool
}

// RefusedError is what a server says in a header instead of a file.
type RefusedError struct {
	Text   string
	Method bool // it is the method that it does not support
}

func (e *RefusedError) Error() string { return "the server says: " + e.Text }

// Encode returns the header, padded to its size: "fill" is as many zeros as that
// takes. The form is that of Python's json.dumps.
func (h Header) Encode() ([]byte, error) {
	if err := CheckName(h.Filename); err != nil {
		return nil, err
	}
	before := fmt.Sprintf(`{"filename": %s, "file_size": %d, "fill": "`, quote(h.Filename), h.Size)
	fill := HeaderSize - len(before) - len(`"}`)
	if fill < 0 {
		return nil, fmt.Errorf("the name is %d bytes too long for a header of %d", -fill, HeaderSize)
	}
	return []byte(before + strings.Repeat("0", fill) + `"}`), nil
}

// EncodeMissing returns the header that says that the server has no such file.
func EncodeMissing(name string) []byte {
	const text = "cannot find %s on server"
	return encodeRefusal("error", text, name)
}

// EncodeError returns the header that says why there is no file.
func EncodeError(text string) []byte { return encodeRefusal("error", "%s", text) }

// EncodeMethodError returns the header that answers an unknown method.
func EncodeMethodError() []byte {
	return encodeRefusal("method_error", "%s", ErrMethod.Error())
}

// encodeRefusal pads with spaces, so that the object is what the tutorials compare
// it with. A detail that is too long is cut at the end of a character.
func encodeRefusal(key, format, detail string) []byte {
	for {
		b := fmt.Appendf(nil, `{"%s": %s}`, key, quote(fmt.Sprintf(format, detail)))
		if len(b) <= HeaderSize {
			return append(b, bytes.Repeat([]byte{' '}, HeaderSize-len(b))...)
		}
		_, last := utf8.DecodeLastRuneInString(strings.TrimSuffix(detail, "…"))
		detail = strings.TrimSuffix(detail, "…")
		detail = detail[:len(detail)-last] + "…"
	}
}

// quote returns s as a JSON string.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string cannot fail
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// fields is a header's JSON object.
type fields struct {
	Filename    *string         `json:"filename"`
	Size        json.RawMessage `json:"file_size"`
	Fill        string          `json:"fill"`
	Error       string          `json:"error"`
	MethodError string          `json:"method_error"`
}

// parseObject reads a header's JSON object. A server's refusal is a *RefusedError.
func parseObject(b []byte) (h Header, fill string, err error) {
	if !utf8.Valid(b) {
		return h, "", errors.New("the header is not UTF-8")
	}
	var f fields
	if err := json.Unmarshal(b, &f); err != nil {
		return h, "", fmt.Errorf("the header is not the expected JSON: %w", err)
	}
	switch {
	case f.MethodError != "":
		return h, "", &RefusedError{Text: f.MethodError, Method: true}
	case f.Error != "":
		return h, "", &RefusedError{Text: f.Error}
	case f.Filename == nil:
		return h, "", errors.New(`the header has no "filename"`)
	}
	h.Filename = *f.Filename
	h.Size, err = parseSize(f.Size)
	return h, f.Fill, err
}

// parseSize reads file_size, a whole number of bytes.
func parseSize(b json.RawMessage) (int64, error) {
	if b == nil {
		return 0, errors.New(`the header has no "file_size"`)
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("file_size %.30s is more than any file has", b)
	case err != nil:
		return 0, fmt.Errorf("file_size %.30s is not a whole number", b)
	case n < 0:
		return 0, fmt.Errorf("file_size %d is negative", n)
	}
	return n, nil
}
