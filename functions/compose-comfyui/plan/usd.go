package plan

import (
	"fmt"
	"math"
	"strconv"
)

// usd is an amount in millionths of a US dollar. Whole numbers add up to the same
// sum on every machine, which a status must.
type usd int64

const dollar usd = 1_000_000

// UnmarshalJSON reads a decimal number of dollars.
func (a *usd) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f < 0 {
		return fmt.Errorf("%s is no amount of dollars", b)
	}

	*a = usd(math.Round(f * float64(dollar)))

	return nil
}

// String rounds to cents.
func (a usd) String() string {
	const cent = dollar / 100

	cents := (a + cent/2) / cent

	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}
