package shell

import (
	"os"
	"testing"
)

// TestMain lets Run start this program as the interpreter.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Name {
		cmd := Command()
		cmd.SetArgs(os.Args[2:])
		if err := cmd.Execute(); err != nil {
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
