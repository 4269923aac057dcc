//! Tables, and cards where a table would not fit.

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

/// Blanks between two columns.
const GAP: usize = 2;

/// A column, or a line of a card.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// What stands above it.
    pub(crate) head: &'static str,
    /// What stands in it.
    pub(crate) cell: fn(&Value) -> String,
}

/// A line for each item, or a card for each if lines would be longer than the terminal.
pub(super) fn of(items: &[Value], columns: &[Column], width: Option<usize>) -> String {
    let rows: Vec<Vec<String>> =
        items.iter().map(|item| columns.iter().map(|column| (column.cell)(item)).collect()).collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width());
            cells.chain([column.head.width()]).max().unwrap_or_default()
        })
        .collect();
    let line_width = widths.iter().sum::<usize>() + GAP * columns.len().saturating_sub(1);
    if width.is_some_and(|width| line_width > width) {
        return items.iter().map(|item| card(item, columns)).collect::<Vec<_>>().join("\n");
    }
    let heads: Vec<String> = columns.iter().map(|column| column.head.to_uppercase()).collect();
    std::iter::once(&heads).chain(&rows).map(|row| line(row, &widths)).collect()
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        line.push_str(cell);
        line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + GAP));
    }
    format!("{}\n", line.trim_end())
}

/// A line for each column that has something to say.
pub(super) fn card(item: &Value, columns: &[Column]) -> String {
    let cells = columns.iter().map(|column| (column.head, (column.cell)(item)));
    let said: Vec<(&str, String)> = cells.filter(|(_, cell)| !cell.is_empty()).collect();
    let width = said.iter().map(|(head, _)| head.width()).max().unwrap_or_default() + GAP;
    let line = |(head, cell): &(&str, String)| format!("{head}{}{cell}", " ".repeat(width - head.width()));
    let lines: Vec<String> = said.iter().map(line).collect();
    if lines.is_empty() { String::new() } else { format!("{}\n", lines.join("\n")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::Fields;
    use crate::output::plain;

    const COLUMNS: [Column; 2] = [
        Column { head: "name", cell: |item| plain(item.at("name")) },
        Column { head: "state", cell: |item| plain(item.at("state")) },
    ];

    #[test]
    fn columns_stand_below_each_other_whatever_the_letters() {
        let items = [json!({"name": "loja 店", "state": "linked"}), json!({"name": "x", "state": "created"})];
        let table = of(&items, &COLUMNS, Some(17));
        assert_eq!(table, "NAME     STATE\nloja 店  linked\nx        created\n");
    }

    #[test]
    fn where_lines_would_be_too_long_there_are_cards() {
        let items = [json!({"name": "shop", "state": "linked"}), json!({"name": "bar", "state": null})];
        assert_eq!(of(&items, &COLUMNS, Some(10)), "name   shop\nstate  linked\n\nname  bar\n");
    }
}
