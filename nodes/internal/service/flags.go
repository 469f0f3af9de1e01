package service

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// limited is the value of a flag that is a whole number between two limits. It is
// a pflag.Value.
type limited struct {
	value, least, most int
}

func (l *limited) String() string { return strconv.Itoa(l.value) }
func (l *limited) Type() string   { return "int" }

func (l *limited) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < l.least || n > l.most {
		return fmt.Errorf("must be a whole number from %d to %d", l.least, l.most)
	}
	l.value = n
	return nil
}

// positive is the value of a flag that is a time longer than nothing. It is a
// pflag.Value.
type positive time.Duration

func (p *positive) String() string { return time.Duration(*p).String() }
func (p *positive) Type() string   { return "duration" }

func (p *positive) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return fmt.Errorf("must be a time longer than nothing, such as 5s")
	}
	*p = positive(d)
	return nil
}

// onOff is the value of a flag that is there or not. It is a pflag.Value.
type onOff bool

func (o *onOff) String() string { return strconv.FormatBool(bool(*o)) }
func (o *onOff) Type() string   { return "bool" }

func (o *onOff) Set(s string) error {
	on, err := strconv.ParseBool(s)
	if err != nil {
		return fmt.Errorf("must be true or false")
	}
	*o = onOff(on)
	return nil
}

// shared returns the value of a flag that several services have; the first of them
// adds it.
func shared[V pflag.Value](flags *pflag.FlagSet, name, usage string, value V) V {
	if f := flags.Lookup(name); f != nil {
		return f.Value.(V)
	}
	f := flags.VarPF(value, name, "", usage)
	if f.Value.Type() == "bool" {
		f.NoOptDefVal = "true"
	}
	return value
}

// settleFlag is how long a request without an end may pause.
func settleFlag(flags *pflag.FlagSet) *positive {
	p := positive(50 * time.Millisecond)
	return shared(flags, "settle", "menu, shell, file, chat: a request without a line end is complete when nothing more comes for this long", &p)
}
