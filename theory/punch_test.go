package theory

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// each calls f for every pair of kinds.
func each(f func(a, b Kind)) {
	for _, a := range Kinds() {
		for _, b := range Kinds() {
			f(a, b)
		}
	}
}

// The counts that the package comment gives.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		Assumptions
		direct int
	}{
		{Assumptions{PermitByMapping, AnswerByFlow}, 57},
		{Assumptions{PermitByMapping, AnswerByMapping}, 45},
		{Assumptions{PermitByEndpoint, AnswerByFlow}, 77},
		{Assumptions{PermitByEndpoint, AnswerByMapping}, 49},
	} {
		direct := 0
		each(func(a, b Kind) {
			if Punch(a, b, c.Assumptions).Path == Direct {
				direct++
			}
		})
		assert.Equal(t, c.direct, direct, "%+v", c.Assumptions)
	}
}

// Where a formula is known, by reasoning about the pair and not by playing it, the
// model agrees in every cell.
func TestFormula(t *testing.T) {
	t.Run("permission by mapping", func(t *testing.T) {
		each(func(a, b Kind) {
			opens := func(k Kind) bool {
				return k.Mapping == MapEndpointIndependent && k.Filtering == FilterAddressDependent
			}
			want := a.Filtering == FilterEndpointIndependent || b.Filtering == FilterEndpointIndependent ||
				a.Mapping == MapEndpointIndependent && b.Mapping == MapEndpointIndependent ||
				opens(a) || opens(b)
			assert.Equal(t, want, Punch(a, b, Linux).Path == Direct, "%v with %v", a, b)
		})
	})
	t.Run("permission by endpoint", func(t *testing.T) {
		each(func(a, b Kind) {
			want := a.Filtering != FilterAddressAndPortDependent || b.Filtering != FilterAddressAndPortDependent ||
				a.Mapping == MapEndpointIndependent || b.Mapping == MapEndpointIndependent
			assert.Equal(t, want, Punch(a, b, Assumptions{PermitByEndpoint, AnswerByFlow}).Path == Direct, "%v with %v", a, b)
		})
	})
}

// It cannot matter who is called A.
func TestSymmetry(t *testing.T) {
	for _, as := range []Assumptions{Linux, {PermitByMapping, AnswerByMapping}, {PermitByEndpoint, AnswerByFlow}, {PermitByEndpoint, AnswerByMapping}} {
		each(func(a, b Kind) {
			assert.Equal(t, Punch(a, b, as).Path, Punch(b, a, as).Path, "%v with %v, %+v", a, b, as)
		})
	}
}

// With the kinds of RFC 3489 (symmetric is address- and port-dependent twice), 13 of
// the 16 ordered pairs are direct, as others have published.
func TestClassicKinds(t *testing.T) {
	classic := []Kind{
		{MapEndpointIndependent, FilterEndpointIndependent},
		{MapEndpointIndependent, FilterAddressDependent},
		{MapEndpointIndependent, FilterAddressAndPortDependent},
		{MapAddressAndPortDependent, FilterAddressAndPortDependent},
	}
	direct := 0
	for _, a := range classic {
		for _, b := range classic {
			if Punch(a, b, Linux).Path == Direct {
				direct++
			}
		}
	}
	assert.Equal(t, 13, direct)
}

func ExamplePunch() {
	cone := Kind{MapEndpointIndependent, FilterAddressAndPortDependent}
	symmetric := Kind{MapAddressAndPortDependent, FilterAddressAndPortDependent}
	r := Punch(cone, symmetric, Linux)
	for _, step := range r.Steps {
		fmt.Println(step)
	}
	fmt.Println(r.Path)
	// Output:
	// A sends from nat-A:1 to nat-B:1: dropped, nat-B has no permission for nat-A:1 there
	// B sends from nat-B:2 to nat-A:1: dropped, nat-A has no permission for nat-B:2 there
	// relayed
}

func TestKindText(t *testing.T) {
	text, err := json.Marshal(Kind{MapAddressDependent, FilterAddressAndPortDependent})
	require.NoError(t, err)
	assert.JSONEq(t, `{"mapping":"address-dependent","filtering":"address-and-port-dependent"}`, string(text))
	each(func(a, _ Kind) {
		var back Kind
		text, err := json.Marshal(a)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &back))
		assert.Equal(t, a, back)
	})
	var k Kind
	assert.EqualError(t, json.Unmarshal([]byte(`{"mapping":"symmetric"}`), &k),
		`mapping "symmetric" does not exist; write endpoint-independent, address-dependent or address-and-port-dependent`)
}

func TestParsePermission(t *testing.T) {
	for _, p := range []Permission{PermitByMapping, PermitByEndpoint} {
		got, err := ParsePermission(p.String())
		require.NoError(t, err)
		assert.Equal(t, p, got)
	}
	_, err := ParsePermission("both")
	assert.EqualError(t, err, `permission "both" does not exist; write mapping or endpoint`)
}
