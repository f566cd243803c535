// Reads what fmbench/report/page/packing.py has written.

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function unpackJson(text) {
  return JSON.parse(new TextDecoder().decode(await unpack(text)));
}

// Returns each table, {rows, columns, steps}, as an array of its rows.
async function unpackTables(text, tables) {
  const bytes = await unpack(text);
  let place = 0;
  const next = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[place++];
      value += (byte & 127) * scale;
      if (byte < 128) return value % 2 ? -(value + 1) / 2 : value / 2;
    }
  };
  return tables.map(({ rows, columns, steps }) => {
    const table = Array.from({ length: rows }, () => new Float64Array(columns));
    for (let column = 0; column < columns; column++) {
      let whole = 0;
      for (let row = 0; row < rows; row++) table[row][column] = (whole += next()) / steps;
    }
    return table;
  });
}
