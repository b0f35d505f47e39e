package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

type rawResult struct {
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

// runRaw measures how long it takes to fetch the list, decoding nothing but the token of the next page.
func runRaw(ctx context.Context, arguments []string) (any, error) {
	o := newOptions("raw")
	pages := o.Int("pages", 500, "objects in a `page`; 0 fetches the whole list at once")
	if err := o.parse(arguments); err != nil {
		return nil, err
	}
	config, err := o.restConfig()
	if err != nil {
		return nil, err
	}
	client, err := newPlainClient(config, 1)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	bytes, err := fetchPages(ctx, client, o.namespace, *pages)
	return &rawResult{bytes, time.Since(began).Seconds()}, err
}

// fetchPages returns the size of all pages together, in bytes.
func fetchPages(ctx context.Context, client *plainClient, namespace string, limit int) (int64, error) {
	var page bytes.Buffer
	var total int64
	query := url.Values{}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	for {
		page.Reset()
		if err := fetchPage(ctx, client, deploymentsPath(namespace)+"?"+query.Encode(), &page); err != nil {
			return 0, err
		}
		total += int64(page.Len())
		token, err := continueToken(page.Bytes())
		if err != nil || token == "" {
			return total, err
		}
		query.Set("continue", token)
	}
}

func fetchPage(ctx context.Context, client *plainClient, path string, page *bytes.Buffer) error {
	answer, err := client.send(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(page, answer.Body)
	return err
}

// continueToken reads a page up to its metadata, which the server writes before the items; "" on the last page.
func continueToken(page []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(page))
	if _, err := decoder.Token(); err != nil {
		return "", fmt.Errorf("page of a list: %w", err)
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return "", fmt.Errorf("page of a list: %w", err)
		}
		if key == "items" {
			break
		}
		if key == "metadata" {
			var metadata struct{ Continue string }
			err := decoder.Decode(&metadata)
			return metadata.Continue, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return "", fmt.Errorf("page of a list: %w", err)
		}
	}
	return "", errors.New("page of a list: no metadata before the items")
}
