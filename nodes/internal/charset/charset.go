// Package charset is the encodings that text of the tutorials has on the wire:
// UTF-8, and on a Chinese Windows GBK.
package charset

import (
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Name is the name of an encoding. It is a pflag.Value.
type Name string

const (
	UTF8    Name = "utf-8"
	GBK     Name = "gbk"
	GB18030 Name = "gb18030"
)

// String returns the encoding's name.
func (n *Name) String() string { return string(*n) }

// Type is the word for the value in a flag's help.
func (n *Name) Type() string { return "utf-8|gbk|gb18030" }

// Set sets the encoding by its name.
func (n *Name) Set(s string) error {
	switch v := Name(s); v {
	case UTF8, GBK, GB18030:
		*n = v
		return nil
	}
	return fmt.Errorf("no such encoding; choose %s, %s or %s", UTF8, GBK, GB18030)
}

// encoding is nil for UTF-8.
func (n Name) encoding() encoding.Encoding {
	switch n {
	case GBK:
		return simplifiedchinese.GBK
	case GB18030:
		return simplifiedchinese.GB18030
	}
	return nil
}

// Encode returns text in this encoding. A character that it has not is replaced.
func (n Name) Encode(text string) []byte {
	e := n.encoding()
	if e == nil {
		return []byte(text)
	}
	b, err := encoding.ReplaceUnsupported(e.NewEncoder()).Bytes([]byte(text))
	if err != nil {
		return []byte(text) // not UTF-8: the bytes of a file, for example
	}
	return b
}

// Decode returns the text of b, which is UTF-8 or in this encoding.
func (n Name) Decode(b []byte) (string, error) {
	if utf8.Valid(b) {
		return string(b), nil
	}
	e := n.encoding()
	if e == nil {
		return "", fmt.Errorf("the text is not UTF-8; for a Chinese Windows choose --encoding %s", GBK)
	}
	text, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return "", fmt.Errorf("the text is neither UTF-8 nor %s: %w", n, err)
	}
	return string(text), nil
}

// Strict returns the text of b, which is in this encoding and nothing else. What
// cannot be decoded is replaced.
func (n Name) Strict(b []byte) string {
	e := n.encoding()
	if e == nil {
		return string(b)
	}
	text, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return string(b)
	}
	return string(text)
}
