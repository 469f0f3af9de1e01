package nodetest

import (
	"os"
	"os/exec"
	"testing"
)

// Foreign returns the path of somebody else's program, which Debian has in a package. Who
// lacks it leaves the test out, and is told how not to; CI has it (.ci/run).
func Foreign(t testing.TB, program, debian string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing, and CI must have it (.ci/run): %v", program, err)
	}
	t.Skipf("%s is missing: apt-get install %s to include this test", program, debian)
	return ""
}
