package transfer

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// CheckName says what is wrong with a name for a file in the served directory. A
// symbolic link that leads out of it is os.Root's to refuse.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is missing")
	case !utf8.ValidString(name):
		return errors.New("the name is not UTF-8")
	case strings.ContainsRune(name, 0):
		return fmt.Errorf("%q has a NUL in it", name)
	case !filepath.IsLocal(name):
		return fmt.Errorf("%s leaves the served directory", name)
	case filepath.Clean(name) == ".":
		return fmt.Errorf("%s is the served directory itself", name)
	case len(filepath.Base(name)) > maxBase:
		return fmt.Errorf("the name has more than %d bytes", maxBase)
	}
	return nil
}

// maxBase is NAME_MAX, the longest name of a file in bytes.
const maxBase = 255
