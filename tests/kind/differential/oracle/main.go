// What Go's standard library makes of texts: reads a JSON list of [question, text], writes a list of answers.
package main

import (
	"encoding/json"
	"net"
	"os"
	"strconv"
	"time"
)

func answer(question, text string) any {
	switch question {
	case "duration":
		if found, err := time.ParseDuration(text); err == nil {
			return strconv.FormatInt(int64(found), 10)
		}
	case "number":
		if found, err := strconv.ParseFloat(text, 64); err == nil {
			spelled, _ := json.Marshal(found)
			return string(spelled)
		}
	case "ip":
		if found := net.ParseIP(text); found != nil {
			return found.String()
		}
	case "cidr":
		if found, network, err := net.ParseCIDR(text); err == nil {
			length, _ := network.Mask.Size()
			if found.To4() != nil && len(network.Mask) == net.IPv6len {
				length -= 96
			}
			return found.String() + "/" + strconv.Itoa(length)
		}
	}
	return nil
}

func main() {
	var questions [][2]string
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		panic(err)
	}
	answers := make([]any, len(questions))
	for index, question := range questions {
		answers[index] = answer(question[0], question[1])
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}
