package transfer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHeaderHasItsSize(t *testing.T) {
	for _, h := range []Header{{Filename: "a", Size: 0}, {Filename: "报告 \"1\".txt", Size: 1<<63 - 1}, {Filename: strings.Repeat("n", 240), Size: 7}} {
		b, err := h.Encode()
		require.NoError(t, err)
		assert.Len(t, b, HeaderSize)
		var python map[string]any // what json.loads makes of it
		require.NoError(t, json.Unmarshal(b, &python))
		assert.Equal(t, h.Filename, python["filename"])
		assert.Len(t, python, 3)
		for _, r := range []io.Reader{bytes.NewReader(b), iotest.OneByteReader(bytes.NewReader(b))} {
			got, err := ReadHeader(bufio.NewReader(r))
			require.NoError(t, err)
			assert.Equal(t, h, got)
		}
	}
}

func TestHeaderThatCannotBe(t *testing.T) {
	_, err := Header{Filename: strings.Repeat("n", 255), Size: 1e6}.Encode()
	assert.EqualError(t, err, "the name is 5 bytes too long for a header of 300")
	_, err = Header{Filename: "../x", Size: 7}.Encode()
	assert.EqualError(t, err, "../x leaves the served directory")
}

// TestRefusals: the object is what the tutorials compare it with, and whatever the
// name, the header has its size.
func TestRefusals(t *testing.T) {
	assert.Equal(t, `{"error": "cannot find notes.txt on server"}`, strings.TrimRight(string(EncodeMissing("notes.txt")), " "))
	assert.Equal(t, `{"method_error": "method unsupported"}`, strings.TrimRight(string(EncodeMethodError()), " "))
	assert.Equal(t, `{"error": "<&> 不"}`, strings.TrimRight(string(EncodeError("<&> 不")), " "))
	for _, text := range []string{"", "short", strings.Repeat("长", 400), strings.Repeat("\"", 400), strings.Repeat("\x00", 400), strings.Repeat("\xff", 400)} {
		for _, b := range [][]byte{EncodeMissing(text), EncodeError(text)} {
			assert.Len(t, b, HeaderSize)
			assert.True(t, json.Valid(b), "%s", b)
		}
	}
	_, err := ReadHeader(bufio.NewReader(bytes.NewReader(EncodeMissing("x"))))
	assert.Equal(t, &RefusedError{Text: "cannot find x on server"}, err)
	_, err = ReadHeader(bufio.NewReader(bytes.NewReader(EncodeMethodError())))
	assert.Equal(t, &RefusedError{Text: "method unsupported", Method: true}, err)
}

func TestReadHeader(t *testing.T) {
	const object = `{"filename": "a}\"{", "file_size": 3, "fill": ""}`
	pad := func(s string, size int, with string) string { return s + strings.Repeat(with, size-len(s)) }
	fill := func(size int) string {
		return strings.Replace(object, `"fill": "`, `"fill": "`+strings.Repeat("0", size-len(object)), 1)
	}
	good := Header{Filename: `a}"{`, Size: 3}
	bare := Header{Filename: `a}"{`, Size: 3, Bare: true}
	for in, want := range map[string]struct {
		header Header
		err    string
		rest   string
	}{
		fill(300) + "abc":                      {header: good, rest: "abc"},
		pad(object, 300, " ") + "abc":          {header: good, rest: "abc"},
		pad(object, 300, "\x00") + "abc":       {header: good, rest: "abc"},
		pad(object, 300, " ") + "   ":          {header: good, rest: "   "},
		object + "abc":                         {header: bare, rest: "abc"},
		object + "\n\n\n":                      {header: bare, rest: "\n\n\n"},
		object:                                 {header: bare},
		fill(299) + "abc":                      {err: "a header of 299 bytes; it must have 300"},
		fill(299):                              {err: "a header of 299 bytes; it must have 300 (EOF)"},
		fill(300)[:299]:                        {err: "a header of 299 bytes; it must have 300 (EOF)"},
		pad(object, 299, " ") + "abc":          {err: "a header of 299 bytes; it must have 300"},
		pad(object, 299, " "):                  {err: "a header of 299 bytes; it must have 300 (EOF)"},
		fill(301):                              {err: "the first 300 bytes are no whole JSON object"},
		"{":                                    {err: "a header of 1 bytes; it must have 300 (EOF)"},
		"":                                     {err: "EOF"},
		"get a":                                {err: "the header does not begin with { but with 'g'"},
		`{"filename": "a"}`:                    {err: `the header has no "file_size"`},
		`{"file_size": 1}`:                     {err: `the header has no "filename"`},
		`{"filename": 1}`:                      {err: "the header is not the expected JSON: json: cannot unmarshal number into Go struct field fields.filename of type string"},
		"{\"filename\": \"\xff\"}":             {err: "the header is not UTF-8"},
		`{"filename": "a", "file_size": -1}`:   {err: "file_size -1 is negative"},
		`{"filename": "a", "file_size": 1.5}`:  {err: "file_size 1.5 is not a whole number"},
		`{"filename": "a", "file_size": "12"}`: {err: `file_size "12" is not a whole number`},
		`{"filename": "a", "file_size": null}`: {err: "file_size null is not a whole number"},
		`{"filename": "a", "file_size": 99999999999999999999}`:  {err: "file_size 99999999999999999999 is more than any file has"},
		`{"filename": "a", "file_size": -99999999999999999999}`: {err: "file_size -99999999999999999999 is more than any file has"},
	} {
		r := bufio.NewReader(strings.NewReader(in))
		got, err := ReadHeader(r)
		if want.err != "" {
			assert.EqualError(t, err, want.err, in)
			continue
		}
		require.NoError(t, err, in)
		assert.Equal(t, want.header, got, in)
		rest, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, want.rest, string(rest), in)
	}
}

func TestParseRequest(t *testing.T) {
	for in, want := range map[string]Request{
		"get a.txt":        {Get, "a.txt"},
		"post a b.txt\r\n": {Post, "a b.txt"},
		"get  ../x ":       {Get, "../x"},
		"get":              {Get, ""},
		"get 报告.txt":       {Get, "报告.txt"},
	} {
		got, err := ParseRequest([]byte(in))
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "put x", "GET x", "getx", "get\tx", "\xff", "get \xff"} {
		_, err := ParseRequest([]byte(in))
		assert.ErrorIs(t, err, ErrMethod, in)
	}
}

func TestRequestEnd(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"get a.txt":             "",
		"get a.txt\n":           "get a.txt\n",
		"get a\nget b\n":        "get a\n",
		"post a":                "",
		"post a{":               "",
		`post a{"filename"`:     "post a",
		`post a{  "filename"`:   "post a",
		`post a{b{"filename"`:   "post a{b",
		"post a\n{\"filename\"": "post a\n",
		"post a{\"x\": 1}\n":    "post a",
		`get a{"filename"`:      "",
		"delete\n":              "delete\n",
	} {
		assert.Equal(t, want, in[:RequestEnd([]byte(in))], in)
	}
}

func TestCheckName(t *testing.T) {
	for _, good := range []string{"a", "a/b", "报告", "...", "a..b", ".hidden", "a\nb", `a\b`} {
		assert.NoError(t, CheckName(good), good)
	}
	for bad, want := range map[string]string{
		"":                       "the name is missing",
		".":                      ". is the served directory itself",
		"a/..":                   "a/.. is the served directory itself",
		"..":                     ".. leaves the served directory",
		"../a":                   "../a leaves the served directory",
		"a/../../b":              "a/../../b leaves the served directory",
		"/etc/passwd":            "/etc/passwd leaves the served directory",
		"a\x00b":                 `"a\x00b" has a NUL in it`,
		"\xff":                   "the name is not UTF-8",
		strings.Repeat("a", 256): "the name has more than 255 bytes",
	} {
		assert.EqualError(t, CheckName(bad), want, bad)
	}
}

func FuzzReadHeader(f *testing.F) {
	header, err := Header{Filename: "a.txt", Size: 12}.Encode()
	require.NoError(f, err)
	for _, seed := range [][]byte{
		header, header[:299], append(header, "content"...), EncodeMissing("x"), EncodeMethodError(),
		[]byte(`{"filename": "a", "file_size": 3, "fill": ""}abc`), []byte(`{"filename": "\u0000", "file_size": -1}`), []byte("{{}"), []byte("\xff{"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bufio.NewReader(iotest.OneByteReader(bytes.NewReader(in)))
		h, err := ReadHeader(r)
		if err != nil {
			return
		}
		assert.GreaterOrEqual(t, h.Size, int64(0))
		rest, err := io.ReadAll(r)
		require.NoError(t, err)
		read := len(in) - len(rest)
		assert.Equal(t, string(in[read:]), string(rest), "nothing but the header may be read")
		if h.Bare {
			assert.Less(t, read, HeaderSize)
			assert.Equal(t, byte('}'), in[read-1])
		} else {
			assert.Equal(t, HeaderSize, read)
		}
	})
}

func FuzzRequest(f *testing.F) {
	for _, seed := range []string{"get a.txt", "post a.txt\n", `post a{"filename": "a"`, "post a{{ \"", "\n", "get \xff", "post  \x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		end := RequestEnd(in)
		require.LessOrEqual(t, end, len(in))
		if end > 0 {
			assert.Equal(t, end, RequestEnd(in[:end+min(len(in)-end, 64)]), "what follows must not change where a request ends")
		}
		r, err := ParseRequest(in)
		if err != nil {
			assert.ErrorIs(t, err, ErrMethod)
			return
		}
		again, err := ParseRequest([]byte(r.String()))
		require.NoError(t, err)
		assert.Equal(t, r, again)
		_ = CheckName(r.Name)
	})
}
