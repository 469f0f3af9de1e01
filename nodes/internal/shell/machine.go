package shell

import (
	"bytes"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/expand"
)

func hostname(c *call) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	return c.println(name)
}

func uname(c *call) error {
	all := false
	if err := c.flags(func(f *pflag.FlagSet) { f.BoolVarP(&all, "all", "a", false, "") }); err != nil {
		return err
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err
	}
	if !all {
		return c.println(unix.ByteSliceToString(u.Sysname[:]))
	}
	return c.println(string(bytes.Join([][]byte{
		upToNUL(u.Sysname[:]), upToNUL(u.Nodename[:]), upToNUL(u.Release[:]), upToNUL(u.Version[:]), upToNUL(u.Machine[:]),
	}, []byte(" "))))
}

func upToNUL(b []byte) []byte {
	before, _, _ := bytes.Cut(b, []byte{0})
	return before
}

// userName is the name of a user, or the number, in an image without /etc/passwd.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	if uid == nobody {
		return "nobody"
	}
	return strconv.Itoa(uid)
}

// nobody is the user that the kernel too shows for one it does not know
// (/proc/sys/kernel/overflowuid).
const nobody = 65534

func whoami(c *call) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	return c.println(userName(os.Geteuid()))
}

func id(c *call) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	return c.println(fmt.Sprintf("uid=%d(%s) gid=%d", os.Geteuid(), userName(os.Geteuid()), os.Getegid()))
}

func date(c *call) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	return c.println(time.Now().Format(time.UnixDate))
}

func env(c *call) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	var failed error
	for name, v := range c.Env.Each {
		if v.Exported && v.Kind == expand.String && failed == nil {
			failed = c.println(name + "=" + v.Str)
		}
	}
	return failed
}

func sleep(c *call) error {
	if len(c.args) != 1 {
		return fmt.Errorf("how many seconds? sleep 5")
	}
	n, err := strconv.ParseFloat(c.args[0], 64)
	if err != nil || n < 0 {
		return fmt.Errorf("%s is no number of seconds", c.args[0])
	}
	select {
	case <-time.After(time.Duration(n * float64(time.Second))):
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

func seq(c *call) error {
	first, last := 1, 0
	var err error
	switch len(c.args) {
	case 1:
		last, err = strconv.Atoi(c.args[0])
	case 2:
		if first, err = strconv.Atoi(c.args[0]); err == nil {
			last, err = strconv.Atoi(c.args[1])
		}
	default:
		return fmt.Errorf("up to which number? seq 5, or seq 3 5")
	}
	for i := first; i <= last && err == nil; i++ {
		err = c.println(i)
	}
	return err
}

func yes(c *call) error {
	word := "y"
	if len(c.args) > 0 {
		word = strings.Join(c.args, " ")
	}
	block := bytes.Repeat([]byte(word+"\n"), 1024)
	for {
		if _, err := c.Stdout.Write(block); err != nil {
			return err
		}
	}
}
